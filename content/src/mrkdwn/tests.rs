//! Tables of what comes out, with texts as real exports have them.

use super::*;
use crate::mentions;
use pulldown_cmark::{Event, Options, Parser, TagEnd};

const ADA: &str = "user_01h455vb4pex5vsknk084sn02q";
const TALKS: &str = "channel_01h455vb4pex5vsknk084sn02s";

struct World;

impl Resolver for World {
    fn user(&self, external_id: &str) -> Option<String> {
        (external_id == "U061A5N1G").then(|| ADA.to_owned())
    }

    fn channel(&self, external_id: &str) -> Option<String> {
        (external_id == "C064MDSSC").then(|| TALKS.to_owned())
    }
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (slack, markdown) in table {
        let markdown = markdown.replace("ADA", ADA).replace("TALKS", TALKS);
        assert_eq!(to_markdown(slack, &World), markdown, "{slack:?}");
    }
}

/// What a reader of the Markdown sees.
fn seen(markdown: &str) -> String {
    let mut out = String::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(text) | Event::Code(text) => out.push_str(&text),
            Event::Html(html) | Event::InlineHtml(html) => panic!("{html} in {markdown:?}"),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph) => out.push('\n'),
            _ => {}
        }
    }
    out.trim_end().to_owned()
}

#[test]
fn references() {
    check(&[
        (
            "<@U061A5N1G> has joined the channel",
            "<@ADA> has joined the channel",
        ),
        ("hi <@U061A5N1G|vik.knoll47>!", "hi <@ADA>!"),
        ("hi <@U000|dev_dune>", "hi @dev_dune"),
        ("hi <@U000|_dev_>", "hi @\\_dev\\_"),
        ("hi <@U000>", "hi @U000"),
        (
            "see <#C064MDSSC|talks> and <#C064MDSSC>",
            "see <#TALKS> and <#TALKS>",
        ),
        (
            "see <#C000|random>, <#C000>, <#C000|>",
            "see #random, #C000, #C000",
        ),
        (
            "<!channel> <!here> <!group> <!here|here>",
            "@channel @here @group here",
        ),
        ("Hey <!everyone> : workshop", "Hey \\@everyone : workshop"),
        (
            "<!subteam^S012|@devs> <!date^1392734382^{date}|Feb 18>",
            "@devs Feb 18",
        ),
        ("<!subteam^S012>", "@S012"),
    ]);
}

#[test]
fn addresses() {
    check(&[
        ("<http://mbtaviz.github.io/>", "<http://mbtaviz.github.io/>"),
        (
            "a <http://x.org/l.html?utm_source=a&amp;utm_medium=b%28c%29>",
            "a <http://x.org/l.html?utm_source=a&utm_medium=b%28c%29>",
        ),
        (
            "<https://slack.com/…|Fritz.jpg>",
            "[Fritz.jpg](https://slack.com/…)",
        ),
        (
            "<mailto:someone@example.com|someone@example.com>",
            "[someone@example.com](mailto:someone@example.com)",
        ),
        (
            "<http://a.org/b_(c)|x [1] *y* &lt;z&gt;>",
            "[x \\[1\\] \\*y\\* \\<z>](<http://a.org/b_(c)>)",
        ),
        ("<http://a.org|>", "<http://a.org>"),
        ("<http://a.org/b c|d>", "[d](<http://a.org/b c>)"),
        (
            "<http://a.org/?a=1&amp;lt;=2|d>",
            "[d](http://a.org/?a=1&amp;lt;=2)",
        ),
        ("<javascript:alert(1)|d>", "d (javascript:alert(1))"),
        (
            "[highcharter](<http://jkunst.com/h.html>)",
            "[highcharter](<http://jkunst.com/h.html>)",
        ),
    ]);
}

#[test]
fn entities() {
    check(&[
        ("function &amp; loop scope", "function & loop scope"),
        ("short notice (&lt;1 hour)", "short notice (<1 hour)"),
        ("paper -&gt; app", "paper -> app"),
        ("talks&amp;nbsp; THEN", "talks&amp;nbsp; THEN"),
        ("R&amp;D; x &amp;#38; y", "R&amp;D; x &amp;#38; y"),
        ("&amp;amp;", "&amp;amp;"),
        ("&lt;div&gt;a&lt;/div&gt; &lt;!-- b", "\\<div>a\\</div> \\<!-- b"),
        ("&lt;@U061A5N1G&gt; @everyone", "\\<@U061A5N1G> \\@everyone"),
        ("a < b <", "a < b <"),
    ]);
}

#[test]
fn formats() {
    check(&[
        ("Hmmmmm *logistics* .... ok", "Hmmmmm **logistics** .... ok"),
        (
            "Announcement! *You can now ask.*",
            "Announcement! **You can now ask.**",
        ),
        ("that **status** var", "that **status** var"),
        ("_italic_ ~strike~ (*b*)", "_italic_ ~~strike~~ (**b**)"),
        ("*bold _both_ ~all~*", "**bold _both_ ~~all~~**"),
        ("*see <http://a.org/*x|a*b>*", "**see [a\\*b](http://a.org/*x)**"),
        ("*`a*b` c*", "**`a*b` c**"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2\\*3\\*4"),
        (
            "~10% of those, ~1% in all, and ~50% in twins",
            "~10% of those, ~1% in all, and ~50% in twins",
        ),
        ("~10% a~b", "~10% a\\~b"),
        ("* not bold *", "* not bold *"),
        ("*no\nbold*", "\\*no\nbold\\*"),
        ("__init__", "\\_\\_init\\_\\_"),
        ("¯\\_(ツ)_/¯", "¯\\\\\\_(ツ)\\_/¯"),
        ("C:\\*x \\d", "C:\\\\\\*x \\d"),
        ("a * b", "a * b"),
    ]);
}

#[test]
fn code() {
    check(&[
        (
            "like in R: `rep(0, length(parties)`",
            "like in R: `rep(0, length(parties)`",
        ),
        (
            "or Python: `[0] * len(*parties*)`",
            "or Python: `[0] * len(*parties*)`",
        ),
        (
            "`a &lt; b &amp;&amp; <http://c.org|c.org> <@U061A5N1G|ada> :tada:`",
            "`a < b && c.org @ada :tada:`",
        ),
        ("one ` tick\nand ```", "one \\` tick\nand \\`\\`\\`"),
        ("``` x ```", "```\n x \n```"),
        ("see ```a\n  *b*``` ok", "see \n```\na\n  *b*\n```\n ok"),
        ("```\na\n```\nb", "```\na\n```\nb"),
        ("&gt;&gt;&gt; q\n```a\nb```", "> q\n> ```\n> a\n> b\n> ```"),
    ]);
}

#[test]
fn lines() {
    check(&[
        ("&gt; quoted\nnot quoted", "> quoted\n\nnot quoted"),
        ("&gt; one\n&gt; two\n\nthree", "> one\n> two\n\nthree"),
        ("&gt;&gt;&gt; all\nof\n\nit", "> all\n> of\n> \n> it"),
        ("# no heading\n#d3js #rstats", "\\# no heading\n#d3js #rstats"),
        ("Title\n---\n===", "Title\n\\---\n\\==="),
        ("[1]: <http://a.org>", "\\[1]: <http://a.org>"),
        (
            "• a\n    ◦ b\n\tc",
            "• a\n\u{a0}\u{a0}\u{a0}\u{a0}◦ b\n\u{a0}\u{a0}\u{a0}\u{a0}c",
        ),
        ("* one\n* two *three*", "* one\n* two **three**"),
        ("a\r\nb", "a\nb"),
        ("~~~ x", "\\~~~ x"),
    ]);
}

#[test]
fn emoji_in_text() {
    check(&[
        ("topic matrix :simple_smile:", "topic matrix 🙂"),
        (
            "conversation to 7p :zap: talks:wave::skin-tone-4:",
            "conversation to 7p ⚡ talks👋🏽",
        ),
        (":party_parrot: at 10:30:45", ":party_parrot: at 10:30:45"),
        ("well done :clap::clap: *:100:*", "well done 👏👏 **💯**"),
    ]);
}

#[test]
fn what_was_seen_is_seen() {
    for (slack, text) in [
        ("&lt;b&gt; &amp;lt; * a* _b c", "<b> &lt; * a* _b c"),
        (
            "¯\\_(ツ)_/¯ and 2*3*4 and __init__",
            "¯\\_(ツ)_/¯ and 2*3*4 and __init__",
        ),
        ("Title\n---\n# x\n[1]: y", "Title\n---\n# x\n[1]: y"),
        ("*a* ~b~ _c_ `d&amp;` ```e\nf```", "a b c d& \ne\nf"),
        ("![a] \\* \\", "![a] \\* \\"),
    ] {
        assert_eq!(
            seen(&to_markdown(slack, &World)).replace(" \n", "\n"),
            text.replace(" \n", "\n"),
            "{slack:?}"
        );
    }
}

#[test]
fn nothing_imported_calls_everybody() {
    for slack in [
        "<!everyone>",
        "<!channel>",
        "@everyone",
        "<http://a.org|@everyone>",
        "<@U0|everyone>",
        "*@everyone*",
    ] {
        let found = mentions(&to_markdown(slack, &World));
        assert_eq!(found, crate::Mentions::default(), "{slack}");
    }
    assert_eq!(mentions(&to_markdown("*<@U061A5N1G>*", &World)).users, [ADA]);
}

#[test]
fn long_and_odd_texts_end() {
    for unit in [
        "*a ", "*_~", "<", "`", "<*", "&lt;", "> ", "*<a|", "```", ":a", "_ *",
    ] {
        let text = unit.repeat(10_000);
        assert!(to_markdown(&text, &()).len() >= text.len() / 4);
    }
}
