//! commons-channel
