//! Redis that stops, hangs, forgets, comes back with old data, or is reached by some and not by others:
//! nothing older than two seconds is read, and nobody waits for it.
//!
//! Each test hurts a server of its own, and is there only where tests have Redis.

mod bus;
mod faults;
mod fleet;
mod proxy;
