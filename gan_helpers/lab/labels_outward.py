"""The words of what leads out of a lab: files, code, pictures. English, Japanese; see `labels`."""

from __future__ import annotations

OUTWARD: dict[str, tuple[str, str]] = {
    "save_file": ("Save", "保存"),
    "save_file_hint": (
        "download all of this training as a file; Open goes on from it, to the last bit",
        "いまの学習の状態をすべてファイルにする（「開く」で、続きを寸分たがわず再開できる）",
    ),
    "open_file": ("Open", "開く"),
    "open_file_hint": ("go on from a file that was saved", "保存したファイルの続きから始める"),
    "saved": (
        "Step {step} is saved as {name} ({size} MB).",
        "ステップ{step}の状態を{name}（{size} MB）に保存しました。",
    ),
    "resumed": (
        "Going on from {name}, at step {step}.",
        "{name}を開きました。ステップ{step}から続けられます。",
    ),
    "as_code": ("As code", "コードで見る"),
    "as_code_hint": (
        "the lines that make this lab as it is, and a plain loop with the same numbers",
        "このラボをいまの状態にするコードと、同じ数値を計算するふつうのループ",
    ),
    "copy_code": ("Copy", "コピー"),
    "copied": ("The code is on the clipboard.", "コードをクリップボードにコピーしました。"),
    "not_copied": (
        "This page may not copy: select the code and press Ctrl+C.",
        "このページからはコピーできません。コードを選んでCtrl+Cを押してください。",
    ),
    "picture_png": ("Picture (PNG)", "画像（PNG）"),
    "picture_png_hint": (
        "download what is seen now as a figure, for slides",
        "いま見えている図を、スライドなどに使える画像ファイルにする",
    ),
    "picture_svg": ("Picture (SVG)", "画像（SVG）"),
    "picture_svg_hint": (
        "the same figure; it stays sharp at any size",
        "同じ図を、拡大してもぼやけない形式で保存する",
    ),
    "taken": ("The picture is saved as {name}.", "図を{name}に保存しました。"),
    "film_gif": ("Film (GIF)", "動画（GIF）"),
    "film_gif_hint": (
        "download the run up to now as a film of the moments that the timeline has kept",
        "ここまでの学習を動画にする（「時間」に残っている時点の図を順に映す）",
    ),
    "filming": (
        "A film of {n} pictures is being made; the lab can go on meanwhile.",
        "{n}枚の図から動画を作っています。その間もラボは動かせます。",
    ),
    "still_filming": (
        "The film is not ready yet: {done} of {n} pictures. Ask for another one after it.",
        "まだ動画を作っている途中です（{n}枚中{done}枚）。できあがってから、もう一度押してください。",
    ),
    "filmed": (
        "The film of {n} pictures is saved as {name} ({size} MB).",
        "{n}枚の図からなる動画を、{name}（{size} MB）に保存しました。",
    ),
    "nothing_to_film": (
        "There is nothing to film yet: the lab stands where it began. Let it train first.",
        "まだ動画にするものがありません。先に「再生」を押して、学習を進めてください。",
    ),
    "code_with_lab": (
        "The lab, and what brings it to where it is.",
        "ラボを作り、いまの状態まで進める。",
    ),
    "code_without_lab": (
        "The same numbers without a lab.",
        "ラボを使わずに、同じ数値を計算する。",
    ),
    "code_given": (
        "gan was trained elsewhere: load it first, by load_pretrained or load_gan.",
        "ganは別のところで学習したもの。先にload_pretrainedかload_ganで読み込んでおく。",
    ),
    "code_apart": (
        "Left out: from step {step} on, D or G was updated alone, or a setting was changed amid a "
        "round. The numbers differ from there on.",
        "ステップ{step}から先は、DかGだけを更新したか、1回の更新の途中で設定を変えた。コードは"
        "これを再現しないので、そこから先の数値は異なる。",
    ),
    "code_amid": (
        "Left out: the half of a round after step {step}.",
        "ステップ{step}のあとの、途中までの更新は含まない。",
    ),
    "code_stopped": (
        "{name} stopped at step {step} ({what}); the lab trains it no further.",
        "{name}はステップ{step}で止まった（{what}）。ラボはそこから先を学習しない。",
    ),
    "code_own_data": (
        "{name}: your own, to be defined before.",
        "{name}：自作のデータ。先に定義しておく。",
    ),
    "code_own_loss": (
        "{name}: a loss of your own, to be defined before.",
        "{name}：自作の損失。先に定義しておく。",
    ),
    "code_own_step": (
        "{name}: a step of your own, to be defined before.",
        "{name}：自作の学習ステップ。先に定義しておく。",
    ),
}
