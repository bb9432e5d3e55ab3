//! The log, the figures and the traces, as they leave the process.

mod figures;
mod lines;
mod subgraph;
mod traces;
