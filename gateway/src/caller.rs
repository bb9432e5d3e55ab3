//! Who is at the other end, as the gateway asserts it: nothing here is taken from a client's word,
//! but for the `authorization` value, which subgraphs verify, and the device's own name.

use commons_platform::{
    Origin,
    auth::SessionEnd,
    graphql::Call,
    internal::{CLIENT_ADDRESS, REQUEST_ID},
    telemetry::{TRACEPARENT, TracePoint},
};
use hive_router::{
    http::HeaderName,
    ntex::{http::header, web::HttpRequest},
};
use std::net::{IpAddr, Ipv4Addr};

const FORWARDED_FOR: &str = "x-forwarded-for";
const MAX_DEVICE: usize = 200;

/// What goes on to the subgraphs beside the operation.
pub(crate) fn call(req: &HttpRequest, trusted_proxies: &[IpAddr]) -> Call {
    let peer = req
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    of(peer, trusted_proxies, |name| {
        let values = req.headers().get_all(name);
        values.map(|value| value.to_str().ok()).collect()
    })
}

/// The same of any request: `all` gives a header's values, none for one that is no text.
pub(crate) fn of<'r>(
    peer: IpAddr,
    trusted_proxies: &[IpAddr],
    all: impl Fn(&str) -> Vec<Option<&'r str>>,
) -> Call {
    let device = all("user-agent").first().copied().flatten();
    let forwarded = all(FORWARDED_FOR);
    Call {
        // A value that is no text is still a value: it must fail the check, not pass as anonymous.
        authorization: all("authorization")
            .first()
            .map(|value| value.unwrap_or_default().to_owned()),
        origin: Origin {
            address: client_address(peer, forwarded.into_iter().flatten(), trusted_proxies),
            request_id: request_id(),
            device: device.map(|device| device.chars().take(MAX_DEVICE).collect::<String>().into()),
            // What a client sends of the kind is not believed: its trace would be ours.
            trace: TracePoint::default(),
        },
    }
}

/// The caller in headers, for subgraphs that are reached over the network; beside these goes the
/// internal token, without which they are not believed.
pub(crate) fn tell(call: &Call, mut header: impl FnMut(HeaderName, &str)) {
    let origin = &call.origin;
    if let Some(authorization) = &call.authorization {
        header(header::AUTHORIZATION, authorization);
    }
    header(REQUEST_ID, &origin.request_id);
    header(CLIENT_ADDRESS, &origin.address.to_string());
    if let Some(device) = &origin.device {
        header(header::USER_AGENT, device);
    }
    if let Some(trace) = origin.trace.header() {
        header(TRACEPARENT, &trace);
    }
}

/// What [`tell`] tells, by name.
pub(crate) const TOLD: [HeaderName; 5] = [
    header::AUTHORIZATION,
    REQUEST_ID,
    CLIENT_ADDRESS,
    header::USER_AGENT,
    TRACEPARENT,
];

/// Ready when the session is revoked that a connection lives as long as; never for nobody's.
pub(crate) async fn revoked(session: Option<&SessionEnd>) {
    match session {
        Some(session) => session.revoked().await,
        None => std::future::pending().await,
    }
}

/// A fresh name for a request: 128 random bits.
pub(crate) fn request_id() -> std::sync::Arc<str> {
    format!("{:032x}", rand::random::<u128>()).into()
}

/// The peer, or, behind trusted proxies, the last address that none of them wrote about itself.
fn client_address<'r>(peer: IpAddr, said: impl Iterator<Item = &'r str>, trusted: &[IpAddr]) -> IpAddr {
    let mut address = peer.to_canonical();
    let said: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
    for hop in said.into_iter().rev() {
        if !trusted.contains(&address) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(hop) => address = hop.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, said: &[&str]) -> String {
        let trusted = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        client_address(peer.parse().unwrap(), said.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(from("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn proxies_are_believed_up_to_the_first_stranger() {
        assert_eq!(from("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            from("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(from("10.0.0.1", &["6.6.6.6", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn what_is_no_address_is_not_followed() {
        assert_eq!(from("10.0.0.1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
    }
}
