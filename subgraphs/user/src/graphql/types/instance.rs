//! The installation as clients see it.

use async_graphql::{Enum, SimpleObject};

/// Who may register.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Anybody.
    Open,
    /// Nobody; the instance has its accounts.
    Closed,
}

/// What works on this instance.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Guilds with channels, members, roles and invites.
    Guilds,
    /// Messages, live.
    Messages,
    /// Bots with tokens of their own.
    Bots,
    /// Copies of accounts for their owners.
    DataExports,
}

/// Bounds that a client can check before it asks.
#[derive(SimpleObject)]
pub struct Limits {
    /// Characters in a message.
    pub message_characters: i32,
    /// Items on a page.
    pub page_size: i32,
    /// Bytes in a request.
    pub request_bytes: i32,
}

/// This installation.
#[derive(SimpleObject)]
pub struct Instance {
    /// The software.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Rises when the API gets something new.
    pub api_version: i32,
    /// What works here.
    pub capabilities: Vec<Capability>,
    /// Bounds.
    pub limits: Limits,
    /// Who may register now.
    pub registration: RegistrationMode,
    /// The next account that registers will administer the instance.
    pub first_account_becomes_administrator: bool,
}
