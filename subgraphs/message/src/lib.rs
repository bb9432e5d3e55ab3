//! commons-message
