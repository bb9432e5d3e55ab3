//! What all texts have in common: the shape of a parsed type, and the rules for lines and blocks.
//!
//! Length is counted in Unicode scalar values of the NFC form, so a limit means the same in every
//! client and on every database.

use crate::ContentError;
use unicode_normalization::UnicodeNormalization;

/// A parsed text type: a private `String` that only `parse` can fill.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident = $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Parses and normalises.
            ///
            /// # Errors
            /// What is wrong with the text, see the type.
            pub fn parse(text: &str) -> Result<Self, crate::ContentError> {
                let parse: fn(&str) -> Result<String, crate::ContentError> = $parse;
                parse(text).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }
    };
}

/// Makes a parsed text printable; a secret does without.
macro_rules! shown {
    ($($name:ident),* $(,)?) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::ContentError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    )*};
}

pub(crate) use {shown, text_type};

/// How many characters a text may have, and what it is called in an error.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) what: &'static str,
    pub(crate) min: usize,
    pub(crate) max: usize,
}

impl Rule {
    /// One line: NFC, trimmed, something to see, nothing that controls the display.
    pub(crate) fn line(self, text: &str) -> Result<String, ContentError> {
        let text: String = text.nfc().collect();
        let text = text.trim();
        if text
            .chars()
            .any(|c| c.is_control() || breaks_line(c) || overrides_direction(c))
        {
            return Err(ContentError::ControlCharacter { what: self.what });
        }
        self.visible(text)?;
        self.length(text)?;
        Ok(text.to_owned())
    }

    /// Lines: line ends are `\n`, NFC, trimmed at the end; a text with nothing to see is empty.
    pub(crate) fn block(self, text: &str) -> Result<String, ContentError> {
        let text = normalize_lines(text);
        let text = text.trim_end();
        if text.chars().any(is_stray_control) {
            return Err(ContentError::ControlCharacter { what: self.what });
        }
        if self.min == 0 && text.chars().all(is_invisible) {
            return Ok(String::new());
        }
        self.visible(text)?;
        self.length(text)?;
        Ok(text.to_owned())
    }

    pub(crate) fn length(self, text: &str) -> Result<(), ContentError> {
        let Self { what, min, max } = self;
        match text.chars().count() {
            n if n > max => Err(ContentError::TooLong { what, max }),
            n if n < min => Err(ContentError::TooShort { what, min }),
            _ => Ok(()),
        }
    }

    fn visible(self, text: &str) -> Result<(), ContentError> {
        if text.chars().all(is_invisible) {
            return Err(ContentError::Empty { what: self.what });
        }
        Ok(())
    }
}

/// NFC with `\n` as the only line end.
pub(crate) fn normalize_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").nfc().collect()
}

/// A control character that a text of several lines may not hold.
pub(crate) fn is_stray_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

fn breaks_line(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Embeddings, overrides and isolates: they make a name read as another one.
fn overrides_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Leaves no mark of its own: white space and Unicode's default-ignorable characters, and the two
/// blanks that are drawn empty (Braille blank, Hangul fillers).
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}
