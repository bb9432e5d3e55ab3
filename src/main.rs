//! Commons.
fn main() {}
