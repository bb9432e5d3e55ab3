//! What whoever runs an import sees meanwhile, on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of days; without a terminal it shows nothing.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn days(count: usize) -> Self {
        let bar = ProgressBar::new(count as u64);
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len} days  {msg}  {eta} left");
        bar.set_style(style.expect("the template is valid"));
        Self(bar)
    }

    pub(super) fn channel(&self, name: &str) {
        self.0.set_message(format!("#{name}"));
    }

    pub(super) fn day(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
