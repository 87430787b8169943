"""What the lab says of a GAN, in English and in Japanese; a part of `labels`.

"ill_…" is a row of `SIGNS` in `lab.engine.diagnosis`; in braces stand the numbers that it was told
by.
"""

from __future__ import annotations

FINDINGS: dict[str, tuple[str, str]] = {
    "treated_in": ("→ {notebook}, section {section}", "→ {notebook} {section}節"),
    "try_beside": ("Try {name} beside it", "{name}を横に並べて試す"),
    "try_beside_hint": (
        "split this GAN in two: one goes on as it is, one with the remedy",
        "いまの重みから2つに分け、片方だけに対応策を入れて続ける",
    ),
    "both_transformed": ("transforms for both", "「両方を変換」"),
    "ill_reversed": (
        "A sign is reversed: the loss of {which} is smaller the worse it does.",
        "損失の符号が逆です。{which}の損失は、うまくいかないほど小さくなります。",
    ),
    "ill_starved": (
        "The critic starves: with its weights within ±{clip} its loss is {loss}, and what reaches "
        "G is {push}.",
        "criticが平らになっています。重みを±{clip}に制限しているので、損失は{loss}、Gに届く勾配は"
        "{push}しかありません。",
    ),
    "ill_exploded": (
        "The critic has lost all measure: it says {estimate}, and the distance is {w1}.",
        "criticが発散しています。距離は{w1}なのに、推定値は{estimate}です。",
    ),
    "ill_gone": (
        "D is far ahead (its loss is {loss}), and what reaches G is {push}.",
        "Dが先に進みすぎ（損失{loss}）、Gに届く勾配が{push}しかありません。",
    ),
    "ill_collapsed": (
        "Mode collapse: {good} of the samples are good, but on {modes} of {of} modes only.",
        "モード崩壊しています。良いサンプルは{good}ありますが、そのすべてが、{of}個のモードのうち"
        "{modes}個に集まっています。",
    ),
    "ill_overwhelmed": (
        "D is far ahead (its loss is {loss}): G is pushed ({push}), but gets nowhere.",
        "Dが先に進みすぎています（損失{loss}）。Gは押されているのに（{push}）、データに近づけま"
        "せん。",
    ),
    "ill_unsettled": (
        "Nothing settles: {good} of the samples are good, and D (its loss is {loss}) does not "
        "keep up with G.",
        "学習が落ち着きません。良いサンプルは{good}で、D（損失{loss}）がGの動きに追いついていま"
        "せん。",
    ),
    "ill_narrow": (
        "{most} of the pictures are read as one and the same class.",
        "生成画像の{most}が、同じ1つのクラスに読まれています。",
    ),
    "ill_ignored": (
        "G ignores the class asked for: {agreement} agree, and by chance it would be {chance}.",
        "Gが指定されたクラスを無視しています。一致率{agreement}（偶然なら{chance}）。",
    ),
    "ill_missing": (
        "Class {missing} is missing: {rate} of its pictures are read as such.",
        "クラス{missing}が抜けています。そう読まれる画像は{rate}です。",
    ),
    "ill_leaking": (
        "Only real pictures are transformed (p = {p}), so G learns to make transformed ones.",
        "本物だけを変換しているので（p = {p}）、Gは変換された画像を学んでしまいます。",
    ),
    "ill_mirrored": (
        "Pictures are flipped as often as not (p = {p}), so G cannot learn which way round.",
        "左右反転がかかりすぎているので（p = {p}）、Gはどちら向きが正しいのか学べません。",
    ),
    "ill_at_its_limit": (
        "ADA's p is at its limit ({p}), and D is still too sure of the training pictures.",
        "ADAのpが上限（{p}）に達しましたが、Dはまだ学習データを見分けすぎています。",
    ),
    "ill_by_heart": (
        "D knows its pictures by heart: logit {train} for them, {held} for unseen real ones, "
        "{fake} for generated ones.",
        "Dが学習データを丸暗記しています。ロジットは、学習データ{train}、未使用の本物{held}、"
        "生成画像{fake}です。",
    ),
    "ill_well": (
        "Nothing looks ill: {modes} of {of} modes, {good} good samples.",
        "病気は見当たりません（モード{modes}／{of}、良いサンプル{good}）。",
    ),
    "ill_well_by_distance": (
        "Nothing looks ill: W₁ has fallen from {first} to {w1}.",
        "病気は見当たりません（W₁は{first}から{w1}へ）。",
    ),
    "ill_well_in_classes": (
        "Nothing looks ill: agreement {agreement}.",
        "病気は見当たりません（一致率{agreement}）。",
    ),
    "ill_well_in_pictures": (
        "Nothing looks ill: {classes} of {of} classes are seen.",
        "病気は見当たりません（{of}クラスのうち{classes}クラスが現れています）。",
    ),
    "ill_well_with_few": (
        "Nothing looks ill: D's logit differs by {gap} between seen and unseen pictures.",
        "病気は見当たりません（学習データと未使用データで、Dのロジットの差は{gap}）。",
    ),
}
