//! Every query of the user domain. Functions take a connection, so that use cases own transactions.

mod claims;
mod imports;
mod keys;
mod sessions;
mod users;

pub use claims::{delete_claims, insert_claim, live_claim};
pub use imports::{imported, remember_import};
pub use keys::{insert_key, keys, remove_key};
pub use sessions::{
    delete_expired, delete_old_tokens, insert_session, insert_token, live_session, page_sessions,
    revoke_other_sessions, revoke_session, token, touch_session, use_token,
};
pub use users::{
    ProfileChange, by_id, by_name_or_email, by_username, email_is_taken, has_people, insert_user,
    set_password, take_over, update_profile, username_is_taken,
};
