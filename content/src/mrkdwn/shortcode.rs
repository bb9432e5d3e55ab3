//! Slack's names for emoji, as Unicode.
//!
//! Most are GitHub's. `data/slack-emoji.txt` lists the names that mean another emoji there or none
//! (iamcal/emoji-data by way of emojibase-data 17, both MIT), with `simple_smile` of old exports.

use crate::{
    Emoji,
    emoji::{MAX_NAME, is_name_char},
};
use emojis::SkinTone;
use std::{collections::HashMap, sync::LazyLock};

static OWN_NAMES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    include_str!("../../data/slack-emoji.txt")
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect()
});

/// The emoji of a reaction: Unicode where Slack's short name (`clap::skin-tone-3`, without the outer
/// colons) is known, else the custom emoji `:name:`.
///
/// A custom name is made to fit [`Emoji`], so two names that differ only in odd characters, or after
/// the 32nd, become one.
#[must_use]
pub fn emoji(short_name: &str) -> Emoji {
    let name = short_name.trim_matches(':');
    if let Some(emoji) = unicode(name).and_then(|text| Emoji::parse(text).ok()) {
        return emoji;
    }
    let fit = |c: char| if is_name_char(c) { c } else { '_' };
    let name: String = name.to_lowercase().chars().map(fit).take(MAX_NAME).collect();
    let name = if name.is_empty() { "_".to_owned() } else { name };
    Emoji::parse(&format!(":{name}:")).expect("1 to 32 characters, each one of a name's")
}

/// The emoji at the start of a text that starts with a colon, and how many bytes it takes.
pub(super) fn at_start(text: &str) -> Option<(&'static str, usize)> {
    let name = text[1..].split(':').next()?;
    let end = 1 + name.len();
    if name.is_empty() || !name.chars().all(is_name_char) || !text[end..].starts_with(':') {
        return None;
    }
    let toned = text
        .get(..end + "::skin-tone-2:".len())
        .filter(|toned| toned[end..].starts_with("::skin-tone-") && toned.ends_with(':'));
    toned
        .and_then(|toned| Some((unicode(toned.trim_matches(':'))?, toned.len())))
        .or_else(|| Some((unicode(name)?, end + 1)))
}

/// The emoji of a short name without its outer colons.
fn unicode(short_name: &str) -> Option<&'static str> {
    let (name, tone) = match short_name.split_once("::skin-tone-") {
        Some((name, tone)) => (name, Some(tone)),
        None => (short_name, None),
    };
    let base = match OWN_NAMES.get(name) {
        Some(text) => emojis::get(text),
        None => emojis::get_by_shortcode(name).or_else(|| flag(name)),
    }?;
    let tone = match tone {
        Some("2") => SkinTone::Light,
        Some("3") => SkinTone::MediumLight,
        Some("4") => SkinTone::Medium,
        Some("5") => SkinTone::MediumDark,
        Some("6") => SkinTone::Dark,
        _ => return Some(base.as_str()),
    };
    // One that has no tones stays as it is.
    Some(base.with_skin_tone(tone).unwrap_or(base).as_str())
}

/// `flag-de`: two regional indicators.
fn flag(name: &str) -> Option<&'static emojis::Emoji> {
    let country = name.strip_prefix("flag-").filter(|code| code.len() == 2)?;
    let indicator = |b: u8| char::from_u32(0x1F1E6 + u32::from(b.checked_sub(b'a')?));
    emojis::get(&country.bytes().map(indicator).collect::<Option<String>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_list_is_an_emoji() {
        for line in include_str!("../../data/slack-emoji.txt").lines() {
            let (name, text) = line.split_once(' ').unwrap();
            assert_eq!(Emoji::parse(text).unwrap().as_str(), text, "{name}");
            assert_eq!(unicode(name), Some(text), "{name}");
        }
    }

    #[test]
    fn short_names_become_unicode() {
        for (name, text) in [
            ("+1", "👍"),
            ("100", "💯"),
            ("clap", "👏"),
            ("clap::skin-tone-3", "👏🏼"),
            ("simple_smile", "🙂"),
            ("thinking_face", "🤔"),
            ("robot_face", "🤖"),
            ("frame_with_picture", "🖼️"),
            ("flag-de", "🇩🇪"),
            ("umbrella", "☂️"),
            ("umbrella_with_rain_drops", "☔"),
            ("heart", "❤️"),
            ("fire::skin-tone-3", "🔥"),
            ("woman-running", "🏃‍♀️"),
            ("e-mail", "📧"),
        ] {
            assert_eq!(emoji(name).as_str(), text, "{name}");
        }
    }

    #[test]
    fn unknown_names_stay_names() {
        assert_eq!(emoji("party_parrot").as_str(), ":party_parrot:");
        assert_eq!(emoji("Größe").as_str(), ":gr__e:");
        assert_eq!(emoji("").as_str(), ":_:");
        assert_eq!(emoji("flag-zz").as_str(), ":flag-zz:");
        assert_eq!(emoji(&"x".repeat(100)).as_str(), format!(":{}:", "x".repeat(32)));
    }
}
