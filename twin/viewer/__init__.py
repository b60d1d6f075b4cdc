"""The desktop window: panels and tools over a scene; what they change is one plain state, which the scene draws."""
