"""The controls by which a class is asked for."""

import threading

from gan_helpers.lab.engine.classes import Look
from gan_helpers.lab.labels import labels
from gan_helpers.lab.picker import Picker


def test_showing_asks_for_nothing_but_a_reader_at_the_same_moment_is_heard():
    asked = []
    picker = Picker(labels("en"), lambda **look: asked.append(look))
    picker.show(Look(), ["a", "b"], all_at_once=True)
    assert asked == []

    def reader(change):  # the browser's messages arrive on a thread of their own
        thread = threading.Thread(target=picker.turn.set_trait, args=("value", 0.5))
        thread.start()
        thread.join()

    picker.to.observe(reader, "value")
    picker.show(Look(digit=0, to=1, turn=0.5), ["a", "b"], all_at_once=True)
    assert asked == [{"turn": 0.5}]
