//! Mechanism only: what every service of the house needs and none of them owns.
//!
//! Reading order: [`config`] and [`telemetry`] start a process, [`clock`], [`db`], [`cache`], [`bus`]
//! and [`loader`] carry its data, [`auth`] says who asks, [`error`] and [`page`] shape the answers,
//! and [`graphql`] serves a schema. No domain is named here.
#![forbid(unsafe_code)]

pub mod auth;
pub mod bus;
pub mod cache;
pub mod clock;
pub mod config;
pub mod cx;
pub mod db;
pub mod error;
pub mod graphql;
pub mod health;
pub mod loader;
pub mod page;
pub mod rate;
pub mod secret;
pub mod task;
pub mod telemetry;

mod platform;

pub use cx::{Cx, Origin};
pub use error::{ApiError, Code};
pub use platform::{Platform, create_private};
