//! Every query of the user domain. Functions take a connection, so that use cases own transactions.

mod bots;
mod claims;
mod imports;
mod keys;
mod sessions;
mod turns;
mod users;

pub use bots::{
    bot_by_token, bots_of, count_bots, delete_bot, insert_bot, lock_bots_of, own_bot, set_bot_session,
    set_bot_token,
};
pub use claims::{delete_claims, insert_claim, live_claim};
pub use imports::{imported, imported_of, imports_of, remember_import};
pub use keys::{insert_key, keys, remove_key};
pub use sessions::{
    all_sessions, delete_expired, delete_old_tokens, end_sessions, insert_session, insert_token,
    live_session, lock_live_session, page_sessions, revoke_other_sessions, revoke_session, token,
    touch_session, use_token,
};
pub use turns::{Turn, take_turn};
pub use users::{
    ProfileChange, bury, by_id, by_name_or_email, by_username, email_is_taken, has_people, insert_user, lock,
    release_username, set_password, take_over, update_profile, username_is_taken,
};
