//! Where `*bold*`, `_italic_` and `~strike~` end, in time linear in the text.

/// Finds where formats end.
pub(super) struct Formats<'a> {
    text: &'a str,
    /// For each mark, where the line ends in which no more of it closes.
    barren: [usize; 3],
    /// Where the line ends in which no more references close.
    unclosed: usize,
}

impl<'a> Formats<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            barren: [0; 3],
            unclosed: 0,
        }
    }

    /// Where the mark that ends the format stands, if the one at `at` opens a format by Slack's rule:
    /// no word touches it from outside, no space from inside, all on one line.
    pub(super) fn closes(&mut self, at: usize, before: Option<char>, open: &str) -> Option<usize> {
        let mark = self.text[at..].chars().next()?;
        let barren = &mut self.barren[match mark {
            '*' => 0,
            '_' => 1,
            _ => 2,
        }];
        let outside = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == mark);
        let inner = &self.text[at + 1..];
        let first = inner.chars().next()?;
        let opens = outside(before) && before != Some('\\') && !first.is_whitespace() && first != mark;
        if !opens || at < *barren || open.contains(mark) {
            return None;
        }
        let mut i = 0;
        let mut last = None;
        while let Some(c) = inner[i..].chars().next() {
            let end = i + c.len_utf8();
            let past = |close: char| {
                let n = end + inner[end..].find([close, '\n']).unwrap_or(inner.len() - end);
                if inner[n..].starts_with(close) {
                    Ok(n + 1)
                } else {
                    Err(n)
                }
            };
            match c {
                '\n' => break,
                '<' if at + 1 + i >= self.unclosed => {
                    i = past('>').unwrap_or_else(|line_end| {
                        self.unclosed = at + 1 + line_end;
                        end
                    });
                }
                '`' => i = past('`').unwrap_or(end),
                _ if c == mark => {
                    let touches = last.is_some_and(|c: char| c.is_whitespace() || c == mark);
                    if !touches && outside(inner[end..].chars().next()) {
                        return Some(at + 1 + i);
                    }
                    i = end;
                }
                _ => i = end,
            }
            last = inner[..i].chars().next_back();
        }
        *barren = at + 1 + i;
        None
    }
}
