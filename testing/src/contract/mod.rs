//! What every implementation of a seam must do, as test bodies that take a way to make one.
//!
//! The embedded implementation and the one for production run the same bodies. A case that can only
//! be asked of one of them is a test beside that implementation.

pub mod bus;
pub mod cache;
