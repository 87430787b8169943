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
    "tour": ("Tour", "ツアー"),
    "tour_hint": ("the lab in one minute, step by step", "ラボの使い方を、1分で順に案内する"),
    "tour_offer": (
        "New here? A tour of one minute shows you around.",
        "はじめてですか。1分のツアーで、このラボをひととおり案内します。",
    ),
    "tour_start": ("Start", "始める"),
    "tour_no": ("No, thanks", "今はいい"),
    "tour_back": ("Back", "戻る"),
    "tour_next": ("Next", "次へ"),
    "tour_skip": ("Skip", "飛ばす"),
    "tour_end": ("End the tour", "ツアーを終える"),
    "tour_finish": ("Finish", "おわり"),
    "tour_not_here": (
        "The tour is of one GAN with points on a plane: choose “ring of 8” as data and “one GAN”, "
        "then start it again.",
        "ツアーは、平面上の点を学習する1つのGANを案内します。データを「輪（8つの山）」、並べて比べる"
        "を「1つだけ」にして、もう一度始めてください。",
    ),
    "tour_points": (
        "Blue points are real: the data. Orange ones are made by the generator G out of noise; it "
        "never sees the data, and shall learn to make the like. The discriminator D gives each "
        "point a value, the larger the more real it looks. At this moment, on average: {d_real} "
        "for real points, {d_fake} for generated ones.",
        "青い点が本物のデータです。橙の点は、生成器Gがノイズから作りました。Gは本物を一度も見ないま"
        "ま、そっくりな点を作れるようになろうとします。見分ける役の識別器Dは、どの点にも「本物らしさ」"
        "の値をつけます。いまの平均は、本物が{d_real}、生成サンプルが{d_fake}です。",
    ),
    "tour_arrows": (
        "An arrow says which way G is pushed: towards where D would find that sample more real. "
        "The longer, the stronger. The colours behind are D's verdict: blue where it believes in "
        "real, orange where it does not.",
        "矢印は、Gがどちらへ押されているかを表します。その点をそちらへ動かせば、Dが「より本物らしい」"
        "と判定する向きです。長いほど強く押されています。背景の色はDの判定で、青いところほど本物、"
        "橙のところほど偽物だと見ています。",
    ),
    "tour_D": (
        "Now press “{step_D_name}”: one update of the discriminator, while G stands still.",
        "では「{step_D_name}」を押してください。識別器だけを1回更新します。Gは動きません。",
    ),
    "tour_D_done": (
        "Only D has learned: the orange points are where they were, but colours and arrows have "
        "changed. D's values are {d_real} for real and {d_fake} for generated points now.",
        "学んだのはDだけです。橙の点は元の場所のままで、背景の色と矢印が変わりました。Dの値は、"
        "本物が{d_real}、生成サンプルが{d_fake}になっています。",
    ),
    "tour_G": (
        "Next “{step_G_name}”: one update of the generator, while D stands still.",
        "次は「{step_G_name}」です。生成器だけを1回更新します。今度はDが動きません。",
    ),
    "tour_G_done": (
        "The orange points have followed the arrows a little. D, as it was, gives them {d_fake} "
        "now. These two updates in turn are all there is to the training of a GAN.",
        "橙の点が、矢印の向きへ少しだけ動きました。Dは変わっていませんが、生成サンプルにつける値は"
        "{d_fake}になりました。この2つの更新を交互に繰り返すことが、GANの学習のすべてです。",
    ),
    "tour_play": (
        "Press “{play_name}”: the two take turns, many times a second.",
        "「{play_name}」を押すと、2つの更新が1秒に何度も交互に進みます。",
    ),
    "tour_play_done": (
        "Step {step}: the orange points are on their way to the blue ones. D gives {d_real} and "
        "{d_fake}; where it can no longer tell them apart, the two values become the same.",
        "ステップ{step}です。橙の点が青い点のほうへ向かっています。Dの値は、本物が{d_real}、"
        "生成サンプルが{d_fake}です。見分けがつかなくなるほど、2つの値は近づきます。",
    ),
    "tour_loss": (
        "While it trains, choose another “{loss_name}”, “hinge” for one.",
        "学習を続けたまま、「{loss_name}」を「ヒンジ」などに変えてみてください。",
    ),
    "tour_loss_done": (
        "The same weights go on under another loss. The line above the picture says from which "
        "step on; every other setting can be changed like this.",
        "重みはそのままで、損失だけが替わりました。何ステップ目から替わったかは、図の上の行に出ていま"
        "す。ほかの設定も、同じように途中で変えられます。",
    ),
    "tour_draw": (
        "“{draw_name}” makes your own drawing the data: press it, draw on the picture, then Enter. "
        "What G learns next is yours.",
        "「{draw_name}」を押して図の上に線を描き、Enterキーを押すと、描いた形が新しいデータになりま"
        "す。Gはそれを学び始めます。",
    ),
    "tour_time": (
        "While it is paused, drag “{time_name}” to the left: the lab goes back to that moment with "
        "its weights, and can go on from there. That was the tour; press ? on the picture for a "
        "list of keys.",
        "一時停止してから「{time_name}」を左へ動かすと、その時点の重みに戻り、そこからやり直せます。"
        "案内はここまでです。図の上で?キーを押すと、キー操作の一覧が出ます。",
    ),
}
