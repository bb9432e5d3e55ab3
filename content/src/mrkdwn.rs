//! Slack's markup, "mrkdwn", turned into Markdown.
//!
//! What a reader saw there is what a reader sees here: what Slack showed as it is and Markdown would
//! take for markup is escaped. Nothing that comes out calls everybody: `<!everyone>` becomes text.
//! Where Slack has no rule of its own (lists, `**double**`), Markdown's is let through on purpose.
//! Not here: the files of a message and the previews under it, which the reader of the export writes
//! as mrkdwn before.

mod format;
mod inline;
mod literal;
mod reference;
mod shortcode;

pub use shortcode::emoji;

/// Knows what became of the people and channels that a text names.
pub trait Resolver {
    /// The typed id's text (`user_…`) of a Slack user (`U…`), none when it is unknown.
    fn user(&self, external_id: &str) -> Option<String>;
    /// The typed id's text (`channel_…`) of a Slack channel (`C…`), none when it is unknown.
    fn channel(&self, external_id: &str) -> Option<String>;
}

/// Knows nobody: all names stay names.
impl Resolver for () {
    fn user(&self, _: &str) -> Option<String> {
        None
    }

    fn channel(&self, _: &str) -> Option<String> {
        None
    }
}

/// Translates a text.
///
/// | Slack | Markdown |
/// |---|---|
/// | `&amp;` `&lt;` `&gt;` | `&` `<` `>`, escaped where Markdown would take them for markup |
/// | `<@U1>`, `<@U1\|ada>` | `<@user_…>`, or `@ada` for somebody unknown |
/// | `<#C1\|talks>` | `<#channel_…>`, or `#talks` for a channel unknown |
/// | `<!channel>` `<!here>` `<!everyone>` | `@channel` `@here` `\@everyone`: text only |
/// | `<url\|label>`, `<url>` | `[label](url)`, `<url>` |
/// | `*bold*` `_italic_` `~strike~` | `**bold**` `_italic_` `~~strike~~` |
/// | `` `code` ``, ```` ```block``` ```` | the same, a block on lines of its own |
/// | `:tada:`, `:clap::skin-tone-3:` | the emoji where it is known |
/// | `>>>` | a quote of all the rest |
#[must_use]
pub fn to_markdown(text: &str, resolver: &dyn Resolver) -> String {
    inline::translate(&text.replace("\r\n", "\n").replace('\r', "\n"), resolver)
}

#[cfg(test)]
mod tests;
