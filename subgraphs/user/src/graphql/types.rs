//! What clients see of accounts, sessions and the instance.

mod account;
mod bot;
mod export;
mod input;
mod instance;
mod payload;
mod session;

pub(super) use account::viewer;
pub use account::{User, UserKind, Viewer};
pub use bot::BotSignedIn;
pub use export::{DataExport, DataExportPart, DataExportState};
pub use input::{
    ChangePasswordInput, ClaimPlaceholderInput, CreateBotInput, CreatePlaceholderClaimInput,
    DeleteAccountInput, DeleteBotInput, LoginInput, RefreshSessionInput, RegisterInput, RevokeSessionInput,
    RotateBotTokenInput, SignInBotInput, UpdateProfileInput,
};
pub use instance::{Capability, Instance, Limits, RegistrationMode};
pub use payload::{
    ChangePasswordPayload, ClaimPlaceholderPayload, CreateBotPayload, CreatePlaceholderClaimPayload,
    DeleteAccountPayload, DeleteBotPayload, ExportMyDataPayload, LoginPayload, LogoutPayload,
    PlaceholderClaim, RefreshSessionPayload, RegisterPayload, RevokeOtherSessionsPayload,
    RevokeSessionPayload, RotateBotTokenPayload, SignInBotPayload, UpdateProfilePayload,
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
    /// A copy of an account.
    DataExport(DataExport),
}
