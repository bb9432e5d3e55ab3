//! Addresses that people give for pictures and the like.

use crate::{
    ContentError,
    text::{Rule, shown, text_type},
};

text_type! {
    /// An `https` address with a host and without credentials, at most 2,048 characters, in the
    /// normal form of the URL standard. It says nothing about where the address leads.
    HttpsUrl = https_url
}
shown!(HttpsUrl);

fn https_url(text: &str) -> Result<String, ContentError> {
    let rule = Rule {
        what: "address",
        min: 1,
        max: 2_048,
    };
    if text.is_empty() {
        return Err(ContentError::Empty { what: rule.what });
    }
    rule.length(text)?;
    let malformed = |why| ContentError::Malformed {
        what: rule.what,
        rule: why,
    };
    // The URL standard drops tabs and line ends silently and trims spaces: here they are refused.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(malformed("without spaces and control characters"));
    }
    let url = url::Url::parse(text).map_err(|_| malformed("an absolute https address"))?;
    if url.scheme() != "https" || !url.has_host() {
        return Err(malformed("an absolute https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("without a user name or password"));
    }
    let url = String::from(url);
    rule.length(&url)?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_and_holds_no_credentials() {
        assert_eq!(
            HttpsUrl::parse("https://Example.org").unwrap().as_str(),
            "https://example.org/"
        );
        assert_eq!(
            HttpsUrl::parse("https://bücher.example/ä").unwrap().as_str(),
            "https://xn--bcher-kva.example/%C3%A4"
        );
        for bad in [
            "http://example.org",
            "javascript:alert(1)",
            "//example.org",
            "example.org",
            "https://",
            "https:// example.org",
            "https://exam\nple.org",
            "https://ada@example.org",
            "https://ada:secret@example.org",
            "data:text/html,x",
        ] {
            assert_eq!(
                HttpsUrl::parse(bad).unwrap_err().reason(),
                "CONTENT_MALFORMED",
                "{bad:?}"
            );
        }
        let long = format!("https://example.org/{}", "a".repeat(2_048));
        assert_eq!(HttpsUrl::parse(&long).unwrap_err().reason(), "CONTENT_TOO_LONG");
        // Short as typed, too long once escaped.
        let growing = format!("https://example.org/{}", "ä".repeat(1_000));
        assert_eq!(
            HttpsUrl::parse(&growing).unwrap_err().reason(),
            "CONTENT_TOO_LONG"
        );
    }
}
