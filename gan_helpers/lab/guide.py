"""The words of what helps with the lab, in English and in Japanese: what it does now, its keys."""

from __future__ import annotations

#: Key -> the words in each language; `labels` takes them in.
GUIDE: dict[str, tuple[str, str]] = {
    "playing": ("playing", "再生中"),
    "tempo": ("{rate} steps/s", "毎秒{rate}ステップ"),
    "paused": ("paused at step {step}", "ステップ{step}で一時停止中"),
    "screen": ("Full screen (f)", "全画面表示（f）"),
    "screen_leave": ("Leave full screen (f)", "全画面表示をやめる（f）"),
    "screen_all": ("All controls (c)", "すべての操作を出す（c）"),
    "screen_few": ("Fewer controls (c)", "操作を減らす（c）"),
    "keys_list": ("Keys (?)", "キー操作（?）"),
    "keys_title": ("Keys", "キー操作"),
    "keys_where": (
        "They act while the picture has the focus: click it, or reach it by Tab.",
        "図をクリックするか、Tabキーで図に移動すると使えます。",
    ),
    "keys_close": ("Close", "閉じる"),
    "key_space": ("space", "スペース"),
    "key_toggle": ("play, or pause", "再生・一時停止"),
    "key_screen": ("full screen, and back", "全画面表示に切り替える・元に戻す"),
    "key_all": (
        "in full screen: show all controls, or only the most important ones",
        "全画面表示のとき：すべての操作を出す・主なものだけにする",
    ),
    "key_list": ("this list", "この一覧を出す・閉じる"),
    "key_escape": (
        "close this list; leave full screen; give up a drawing",
        "この一覧を閉じる・全画面表示をやめる・描くのをやめる",
    ),
    "key_enter": ("while drawing: done", "描いているとき：完了"),
}
