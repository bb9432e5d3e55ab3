//! What clients see of accounts, sessions and the instance.

mod account;
mod input;
mod instance;
mod payload;
mod session;

pub(super) use account::viewer;
pub use account::{User, UserKind, Viewer};
pub use input::{
    ChangePasswordInput, ClaimPlaceholderInput, CreatePlaceholderClaimInput, LoginInput, RefreshSessionInput,
    RegisterInput, RevokeSessionInput, UpdateProfileInput,
};
pub use instance::{Capability, Instance, Limits, RegistrationMode};
pub use payload::{
    ChangePasswordPayload, ClaimPlaceholderPayload, CreatePlaceholderClaimPayload, LoginPayload,
    LogoutPayload, PlaceholderClaim, RefreshSessionPayload, RegisterPayload, RevokeOtherSessionsPayload,
    RevokeSessionPayload, UpdateProfilePayload,
};
pub use session::{LoginResult, Session, SignedIn};

use async_graphql::{ID, Interface};

/// Anything with an id of its own.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id, also good for `node(id:)`."))]
pub enum Node {
    /// An account.
    User(User),
    /// A signed-in device.
    Session(Session),
}
