//! From which pages browsers may open sockets here.
//!
//! A socket is nobody's until its client sends a token, so a foreign page gains nothing by opening one;
//! it could still use its visitors' addresses and connections. Who is no browser sends no `Origin`.

use tungstenite::http::{HeaderMap, Uri, header};

/// The origins that may connect, beside our own.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    listed: Vec<String>,
    /// Pages served from the visitor's own machine: a front end under development.
    local: bool,
}

impl Origins {
    /// Those listed, and in development those of the visitor's own machine. `*` is everybody.
    pub fn new(listed: &[String], local: bool) -> Self {
        Self {
            listed: listed.to_vec(),
            local,
        }
    }

    /// Whether a request with these headers may open a socket.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else { return false };
        if self
            .listed
            .iter()
            .any(|listed| listed == "*" || listed.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        let Ok(uri) = origin.parse::<Uri>() else {
            return false;
        };
        let (Some(authority), Some(host)) = (uri.authority(), uri.host()) else {
            return false;
        };
        // What stands around the host and the port is no part of an origin.
        let exact = match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        if !matches!(uri.scheme_str(), Some("http" | "https")) || authority.as_str() != exact {
            return false;
        }
        let ours = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        ours.is_some_and(|ours| ours.eq_ignore_ascii_case(authority.as_str()))
            || (self.local && matches!(host, "localhost" | "127.0.0.1" | "[::1]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origins: &Origins, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "chat.example:8000".parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        origins.allow(&headers)
    }

    #[test]
    fn our_own_pages_and_programs_may_always() {
        let none = Origins::default();
        assert!(allows(&none, None));
        assert!(allows(&none, Some("http://chat.example:8000")));
        for other in [
            "https://chat.example",
            "http://evil.example",
            "null",
            "",
            "chat.example:8000/x y",
            "http://localhost:5173",
        ] {
            assert!(!allows(&none, Some(other)), "{other}");
        }
    }

    #[test]
    fn others_are_listed_or_local() {
        let listed = Origins::new(&["https://app.example".to_owned()], false);
        assert!(allows(&listed, Some("https://app.example")));
        assert!(!allows(&listed, Some("http://app.example")));
        assert!(!allows(&listed, Some("https://app.example.evil")));
        let local = Origins::new(&[], true);
        assert!(allows(&local, Some("http://localhost:5173")));
        assert!(allows(&local, Some("http://[::1]:3000")));
        for other in [
            "http://localhost.evil",
            "http://127.0.0.1:8810.evil",
            "http://evil@localhost",
            "localhost",
            "ftp://localhost",
        ] {
            assert!(!allows(&local, Some(other)), "{other}");
        }
        assert!(allows(
            &Origins::new(&["*".to_owned()], false),
            Some("http://any.example")
        ));
    }
}
