//! The walk over a text: code, references, formats, and everything else as it is.

use super::{Resolver, format::Formats, literal, reference, shortcode};

const BLOCK: &str = "```";

/// Translates a text whose line ends are `\n`.
pub(super) fn translate(text: &str, resolver: &dyn Resolver) -> String {
    let mut walk = Walk {
        resolver,
        out: String::with_capacity(text.len()),
        quote: Quote::None,
        open: String::new(),
    };
    walk.text(text, true);
    walk.out
}

/// Whether the line being written is quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    /// This line only, by `>`.
    Line,
    /// This and all that follow, by `>>>`.
    Rest,
}

struct Walk<'a> {
    resolver: &'a dyn Resolver,
    out: String,
    quote: Quote,
    /// The formats around this place: none is opened twice, so the walk is never deeper than three.
    open: String,
}

impl Walk<'_> {
    /// Writes a text; `fresh` when it starts a line.
    fn text(&mut self, text: &str, mut fresh: bool) {
        let mut formats = Formats::new(text);
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if fresh {
                let taken = self.line_start(rest);
                at += taken;
                fresh = false;
                if taken > 0 {
                    // What follows a quote mark starts a line too.
                    fresh = rest.starts_with("&gt;");
                    continue;
                }
            }
            let before = text[..at].chars().next_back();
            let next = rest.chars().next().expect("the text goes on here");
            at += match next {
                '\n' => {
                    self.line_end(&rest[1..]);
                    fresh = true;
                    1
                }
                '`' => self.code(rest),
                '<' => self.reference(rest),
                '&' => self.entity(rest),
                ':' => self.colon(rest),
                '*' | '_' | '~' => match formats.closes(at, before, &self.open) {
                    Some(end) => self.format(next, &text[at + 1..end]) + 2,
                    None => self.mark(next, before, rest),
                },
                _ => self.other(next, rest),
            };
        }
    }

    /// What only the start of a line can be; how many bytes were taken.
    fn line_start(&mut self, rest: &str) -> usize {
        if let Some(after) = rest
            .strip_prefix("&gt;&gt;&gt;")
            .filter(|_| self.quote == Quote::None)
        {
            self.quote = Quote::Rest;
            self.out.push_str("> ");
            return rest.len() - after.trim_start_matches(' ').len();
        }
        if rest.starts_with("&gt;") {
            if self.quote == Quote::None {
                self.quote = Quote::Line;
            }
            self.out.push('>');
            return "&gt;".len();
        }
        let line = rest.split('\n').next().unwrap_or_default();
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if indent >= 4 || line[..indent].contains('\t') {
            // Markdown would take the line for code.
            for c in line[..indent].chars() {
                self.out.push_str(if c == '\t' {
                    "\u{a0}\u{a0}\u{a0}\u{a0}"
                } else {
                    "\u{a0}"
                });
            }
            return indent;
        }
        let first = line[indent..].chars().next();
        if let Some(first) = first.filter(|_| literal::opens_block(&line[indent..])) {
            self.out.push_str(&line[..indent]);
            self.out.extend(['\\', first]);
            return indent + first.len_utf8();
        }
        if first == Some('*') && line[indent + 1..].starts_with(' ') {
            // A bullet in Markdown too.
            self.out.push_str(&line[..indent + 2]);
            return indent + 2;
        }
        0
    }

    fn line_end(&mut self, rest: &str) {
        self.out.push('\n');
        match self.quote {
            Quote::Rest => self.out.push_str("> "),
            // Markdown would go on with the quote.
            Quote::Line if !rest.is_empty() && !rest.starts_with(['\n']) && !rest.starts_with("&gt;") => {
                self.out.push('\n');
                self.quote = Quote::None;
            }
            Quote::Line | Quote::None => self.quote = Quote::None,
        }
    }

    fn code(&mut self, rest: &str) -> usize {
        if let Some(inner) = between(rest, BLOCK, BLOCK).filter(|inner| !inner.trim().is_empty()) {
            let after = &rest[inner.len() + 2 * BLOCK.len()..];
            self.block(inner.strip_prefix('\n').unwrap_or(inner), after);
            return inner.len() + 2 * BLOCK.len();
        }
        let span = between(rest, "`", "`").filter(|inner| !inner.trim().is_empty() && !inner.contains('\n'));
        if let Some(inner) = span {
            self.out.push('`');
            self.out.push_str(&seen(inner));
            self.out.push('`');
            return inner.len() + 2;
        }
        self.out.push_str("\\`");
        1
    }

    /// Markdown wants a block's fences on lines of their own.
    fn block(&mut self, inner: &str, after: &str) {
        let prefix = if self.quote == Quote::Rest { "> " } else { "" };
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        if !line.trim_start_matches(prefix).is_empty() {
            self.out.push('\n');
            self.out.push_str(prefix);
        }
        self.out.push_str(BLOCK);
        for line in seen(inner).trim_end_matches('\n').split('\n') {
            self.out.extend(["\n", prefix, line]);
        }
        self.out.extend(["\n", prefix, BLOCK]);
        if !after.is_empty() && !after.starts_with('\n') {
            self.out.extend(["\n", prefix]);
        }
    }

    fn reference(&mut self, rest: &str) -> usize {
        let inner = between(rest, "<", ">").filter(|inner| !inner.is_empty() && !inner.contains(['<', '\n']));
        if let Some(inner) = inner {
            self.out.push_str(&reference::markdown(inner, self.resolver));
            return inner.len() + 2;
        }
        self.out.push_str(literal::less_than(rest[1..].chars().next()));
        1
    }

    fn entity(&mut self, rest: &str) -> usize {
        if let Some(after) = rest.strip_prefix("&lt;") {
            self.out.push_str(literal::less_than(after.chars().next()));
            return "&lt;".len();
        }
        if rest.starts_with("&gt;") {
            self.out.push('>');
            return "&gt;".len();
        }
        let after = rest.strip_prefix("&amp;").unwrap_or(&rest[1..]);
        self.out.push_str(literal::ampersand(after));
        rest.len() - after.len()
    }

    fn colon(&mut self, rest: &str) -> usize {
        match shortcode::at_start(rest) {
            Some((emoji, taken)) => {
                self.out.push_str(emoji);
                taken
            }
            None => {
                self.out.push(':');
                1
            }
        }
    }

    /// Writes a format and what is in it; how many bytes that was.
    fn format(&mut self, mark: char, inner: &str) -> usize {
        let markdown = match mark {
            '*' => "**",
            '~' => "~~",
            _ => "_",
        };
        self.out.push_str(markdown);
        self.open.push(mark);
        self.text(inner, false);
        self.open.pop();
        self.out.push_str(markdown);
        inner.len()
    }

    /// Writes marks that format nothing, so that they don't in Markdown either.
    fn mark(&mut self, mark: char, before: Option<char>, rest: &str) -> usize {
        let run = rest.len() - rest.trim_start_matches(mark).len();
        let after = rest[run..].chars().next();
        let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let plain = match mark {
            _ if blank(before) && blank(after) => true,
            // Written as in Markdown, and meant so.
            '*' => run > 1,
            '_' => inside(before) && inside(after),
            // One that can't close opens nothing.
            _ => run > 1 || blank(before),
        };
        for _ in 0..run {
            self.out.push_str(if plain { "" } else { "\\" });
            self.out.push(mark);
        }
        run
    }

    fn other(&mut self, c: char, rest: &str) -> usize {
        let next = rest[c.len_utf8()..].chars().next();
        let escaped = match c {
            '\\' => next.is_some_and(|next| next.is_ascii_punctuation() || next == '\n'),
            '!' => next == Some('['),
            '@' => rest.starts_with("@everyone"),
            _ => false,
        };
        if escaped {
            self.out.push('\\');
        }
        self.out.push(c);
        c.len_utf8()
    }
}

/// What stands between `open`, with which the text starts, and the next `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    Some(text.strip_prefix(open)?.split_once(close)?.0)
}

/// Code as a reader saw it: entities decoded, references by what they showed.
fn seen(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&literal::decode(before));
        match after
            .split_once('>')
            .filter(|(inner, _)| !inner.is_empty() && !inner.contains(['<', '\n']))
        {
            Some((inner, after)) => {
                out.push_str(&reference::plain(inner));
                rest = after;
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out + &literal::decode(rest)
}
