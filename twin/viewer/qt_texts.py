"""Qt's own texts, such as buttons of its dialogs and menus of text fields, in the language of the window."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QTranslator

_installed: dict[str, QTranslator] = {}
"""The one that Qt uses, by its language: Qt holds no reference of its own."""


def speak(language: str) -> None:
    """Let Qt speak a language from now on; English where it knows none of that name."""
    app = QCoreApplication.instance()
    if app is None or language in _installed:  # each change is told to every widget
        return
    while _installed:
        app.removeTranslator(_installed.popitem()[1])
    made = QTranslator()
    if made.load(f"qtbase_{language}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(made)
        _installed[language] = made
