"""Where sensors come from: the address of a broker and the topics that are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFormLayout, QLineEdit, QVBoxLayout, QWidget

from twin.viewer.dialog import Dialog
from twin.viewer.feed import Broker, FeedState
from twin.viewer.parts import button, label, row

if TYPE_CHECKING:
    from twin.core.translations import Texts
    from twin.viewer.feed import Feed

TOPIC = "v1.1/#"
URL = "mqtt://localhost:1883"


class ConnectDialog(Dialog):
    """Connects the window with a broker, or lets go of it."""

    def __init__(self, texts: Texts, feed: Feed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("connect")
        self.setWindowTitle(texts("feed.title"))
        self.resize(460, 0)
        self.t, self.feed = texts, feed
        broker = feed.broker
        self.url = QLineEdit(broker.url if broker is not None else URL)
        self.topics = QLineEdit(", ".join(broker.topics) if broker is not None and broker.topics else TOPIC)
        self.state = label("", "muted")
        form = QFormLayout()
        form.addRow(label(texts("feed.url"), "muted", wraps=False), self.url)
        form.addRow(label(texts("feed.topics"), "muted", wraps=False), self.topics)
        self.take = button(texts("feed.connect"), self.connect_now, kind="primary")
        self.leave = button(texts("feed.disconnect"), feed.stop)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.addWidget(label(texts("feed.hint")))
        box.addLayout(form)
        box.addWidget(self.state)
        box.addLayout(row(None, self.leave, self.take))
        feed.changed.connect(self._show)
        self._show()

    def connect_now(self) -> None:
        """Listen to what is written in the fields."""
        topics = tuple(part.strip() for part in self.topics.text().split(",") if part.strip())
        self.feed.start(Broker(self.url.text().strip(), topics))

    def _show(self, *_state: object) -> None:
        self.state.setText(self.feed.told(self.t) or self.t("feed.off"))
        self.leave.setEnabled(self.feed.state is not FeedState.OFF)
