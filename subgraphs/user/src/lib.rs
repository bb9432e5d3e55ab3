//! commons-user
