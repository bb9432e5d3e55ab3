//! Mechanism only: what every service of the house needs and none of them owns.
//!
//! Reading order: [`config`] and [`telemetry`] start a process, [`clock`], [`db`], [`cache`], [`bus`]
//! and [`loader`] carry its data, [`auth`] says who asks, [`error`] and [`page`] shape the answers,
//! [`graphql`] serves a schema, and [`internal`] keeps strangers from it. No domain is named here.
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
pub mod internal;
pub mod loader;
pub mod page;
pub mod process;
pub mod rate;
pub mod redis;
pub mod secret;
pub mod service;
pub mod task;
pub mod telemetry;

mod platform;

pub use cx::{Cx, Origin};
pub use error::{ApiError, Code};
pub use platform::{Platform, StartError, create_private};
