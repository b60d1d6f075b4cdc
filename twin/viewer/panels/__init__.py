"""Panels: each shows one side of the state on the desk, and changes it."""
