//! What Slack kept beside a message's text, written as mrkdwn: previews, app attachments, blocks.
//!
//! Read loosely on purpose: apps put many forms there, and one that is not known still shows its texts.

use super::record::linked;
use serde_json::Value;

/// A preview as quoted lines; none when there is nothing to read in it.
pub(super) fn preview(attachment: &Value) -> Option<String> {
    let text = |key: &str| {
        attachment[key]
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let mut lines = Vec::new();
    lines.extend(text("pretext").map(str::to_owned));
    let source = text("author_name").or_else(|| text("service_name"));
    let title = text("title").map(|title| linked(text("title_link").or_else(|| text("from_url")), title));
    lines.extend(source.map(str::to_owned));
    lines.extend(title.map(|title| format!("*{title}*")));
    lines.extend(text("text").map(|words| {
        if text("from_url").is_some() {
            folded(words)
        } else {
            words.to_owned()
        }
    }));
    for field in attachment["fields"].as_array().into_iter().flatten() {
        let part = |key: &str| field[key].as_str().unwrap_or_default().trim().to_owned();
        lines.push(
            format!("{}: {}", part("title"), part("value"))
                .trim_matches([':', ' '])
                .to_owned(),
        );
    }
    let blocks = attachment["blocks"]
        .as_array()
        .map_or(String::new(), |found| blocks(Some(found)));
    lines.extend((!blocks.is_empty()).then_some(blocks));
    lines.extend(text("image_url").map(|url| format!("<{url}>")));
    lines.extend(text("footer").map(str::to_owned));
    if !["title", "text", "fields", "blocks"]
        .iter()
        .any(|key| !attachment[*key].is_null())
    {
        lines.extend(text("fallback").map(str::to_owned));
    }
    let lines = lines
        .iter()
        .flat_map(|part| part.lines())
        .filter(|line| !line.trim().is_empty());
    let quoted: Vec<String> = lines.map(|line| format!("&gt; {line}")).collect();
    (!quoted.is_empty()).then(|| quoted.join("\n"))
}

/// The text of a linked page as far as Slack showed it before "Show more": 700 characters. The rest is
/// a copy of the page, and the link leads there.
fn folded(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(700) else {
        return text.to_owned();
    };
    // Nothing that is opened by `<` is cut in two.
    let end = text[..end]
        .rfind('<')
        .filter(|&open| !text[open..end].contains('>'))
        .unwrap_or(end);
    let end = text[..end].rfind(char::is_whitespace).unwrap_or(end);
    format!("{}…", text[..end].trim_end())
}

/// Blocks as text, for a message whose own text is empty.
pub(super) fn blocks(blocks: Option<&[Value]>) -> String {
    let parts = blocks
        .into_iter()
        .flatten()
        .map(block)
        .filter(|part| !part.trim().is_empty());
    parts.collect::<Vec<_>>().join("\n")
}

fn block(block: &Value) -> String {
    let kind = block["type"].as_str().unwrap_or_default();
    let parts = |key: &str| block[key].as_array().into_iter().flatten();
    match kind {
        "rich_text" => parts("elements").map(rich).collect::<Vec<_>>().join("\n"),
        "image" => {
            let alt = block["alt_text"]
                .as_str()
                .or_else(|| block["title"]["text"].as_str())
                .unwrap_or("image");
            linked(block["image_url"].as_str(), alt)
        }
        "header" => format!("*{}*", words(&block["text"])),
        _ => {
            let own = Some(words(&block["text"])).filter(|text| !text.is_empty());
            let more = parts("fields")
                .chain(parts("elements"))
                .map(|part| match part["type"].as_str() {
                    Some("image") => self::block(part),
                    _ => words(part),
                });
            own.into_iter()
                .chain(more)
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        }
    }
}

/// A text object, or the label of a button.
fn words(object: &Value) -> String {
    let text = &object["text"];
    text.as_str()
        .or_else(|| text["text"].as_str())
        .or_else(|| object.as_str())
        .unwrap_or_default()
        .to_owned()
}

/// A part of a rich text: a paragraph, list, quote or block of code.
fn rich(part: &Value) -> String {
    let elements = || part["elements"].as_array().into_iter().flatten();
    let inline = || elements().map(run).collect::<String>();
    match part["type"].as_str().unwrap_or_default() {
        "rich_text_preformatted" => format!("```{}```", elements().map(plain).collect::<String>()),
        "rich_text_quote" => inline()
            .lines()
            .map(|line| format!("&gt; {line}"))
            .collect::<Vec<_>>()
            .join("\n"),
        "rich_text_list" => {
            let depth = part["indent"].as_u64().unwrap_or_default().min(8) as usize;
            let ordered = part["style"] == "ordered";
            let bullet = |n: usize| {
                if ordered {
                    format!("{}.", n + 1)
                } else {
                    "•".to_owned()
                }
            };
            let item =
                |(n, item): (usize, &Value)| format!("{}{} {}", "    ".repeat(depth), bullet(n), rich(item));
            elements().enumerate().map(item).collect::<Vec<_>>().join("\n")
        }
        _ => inline(),
    }
}

/// One run of a paragraph with its style.
fn run(element: &Value) -> String {
    let text = plain(element);
    let (start, rest) = text.split_at(text.len() - text.trim_start().len());
    let (core, end) = rest.split_at(rest.trim_end().len());
    let style = |name: &str| element["style"][name] == true;
    if core.is_empty() || core.contains('\n') {
        return text;
    }
    let mut core = core.to_owned();
    for (name, mark) in [("code", "`"), ("strike", "~"), ("italic", "_"), ("bold", "*")] {
        if style(name) {
            core = format!("{mark}{core}{mark}");
        }
    }
    format!("{start}{core}{end}")
}

fn plain(element: &Value) -> String {
    let text = |key: &str| element[key].as_str().unwrap_or_default();
    match text("type") {
        "link" if text("text").is_empty() => format!("<{}>", text("url")),
        "link" => linked(Some(text("url")), &escaped(text("text"))),
        "user" => format!("<@{}>", text("user_id")),
        "channel" => format!("<#{}>", text("channel_id")),
        "usergroup" => format!("<!subteam^{}>", text("usergroup_id")),
        "broadcast" => format!("<!{}>", text("range")),
        "emoji" if element["skin_tone"].is_u64() => {
            format!(":{}::skin-tone-{}:", text("name"), element["skin_tone"])
        }
        "emoji" => format!(":{}:", text("name")),
        "date" => text("fallback").to_owned(),
        _ => escaped(text("text")),
    }
}

/// Blocks hold plain text, mrkdwn holds entities.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
