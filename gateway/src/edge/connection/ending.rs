//! Why sockets end, in the protocol's codes.

/// Why a socket ends: the protocol's code and a word.
pub(super) type Ending = (u16, &'static str);

pub(super) const MALFORMED: Ending = (4400, "Invalid message");
pub(super) const GONE: Ending = (1001, "Gone");
pub(super) const SILENT: Ending = (1001, "Silence");
pub(super) const NOT_WEBSOCKET: Ending = (1002, "Protocol error");
pub(super) const NOT_TEXT: Ending = (1007, "Invalid text");
pub(super) const TOO_LARGE: Ending = (1009, "Message too large");
pub(super) const RESTART: Ending = (1012, "Service restart");
pub(super) const LATER: Ending = (1013, "Try again later");
pub(super) const CROWDED: Ending = (1013, "Too many connections of this user");
pub(super) const UNAUTHORIZED: Ending = (4401, "Unauthorized");
pub(super) const NO_TOKEN: Ending = (4401, "A valid access token is needed");
pub(super) const REVOKED: Ending = (4401, "The session has ended");
pub(super) const NOT_SPOKEN: Ending = (4406, "Subprotocol not acceptable");
pub(super) const LATE: Ending = (4408, "Connection initialisation timeout");
pub(super) const TWICE: Ending = (4409, "Subscriber already exists");
pub(super) const AGAIN: Ending = (4429, "Too many initialisation requests");
