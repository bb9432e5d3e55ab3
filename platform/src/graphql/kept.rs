//! What was found out about documents, kept under their whole text: clients, and the router for them,
//! send the same few texts again and again.
//!
//! What a request has beside its text, such as variables, is no part of it. Whoever keeps decides what is
//! worth it: a text that is refused is read again each time.

use moka::sync::Cache;
use std::sync::Arc;

/// How long a text is kept at most, in bytes. What people write is shorter; what is longer has its
/// values in it and does not come again.
pub const MAX_TEXT: usize = 16 * 1024;
/// What stands around an entry, in bytes.
const AROUND: usize = 256;

/// Values under texts, bounded in bytes; cheap to clone. When it is full, texts that come often stay.
#[derive(Debug, Clone)]
pub struct Kept<V: Clone + Send + Sync + 'static>(Cache<Arc<str>, Weighed<V>>);

#[derive(Debug, Clone)]
struct Weighed<V> {
    value: V,
    bytes: usize,
}

impl<V: Clone + Send + Sync + 'static> Kept<V> {
    /// Room for this many bytes of texts and values.
    pub fn new(bytes: u64) -> Self {
        let weigher = |text: &Arc<str>, weighed: &Weighed<V>| {
            let bytes = AROUND.saturating_add(text.len()).saturating_add(weighed.bytes);
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(bytes).weigher(weigher).build())
    }

    /// What is kept of this text.
    pub fn get(&self, text: &str) -> Option<V> {
        self.0.get(text).map(|weighed| weighed.value)
    }

    /// Keeps a value that takes this many bytes, unless its text is longer than [`MAX_TEXT`].
    pub fn keep(&self, text: &str, value: V, bytes: usize) {
        if text.len() <= MAX_TEXT {
            self.0.insert(text.into(), Weighed { value, bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_the_whole_text() {
        let kept = Kept::new(1 << 20);
        kept.keep("{ a }", 1, 0);
        assert_eq!(kept.get("{ a }"), Some(1));
        for other in ["{ a", "{ a } ", "{ b }", ""] {
            assert_eq!(kept.get(other), None, "{other}");
        }
    }

    #[test]
    fn long_texts_are_not_kept() {
        let kept = Kept::new(1 << 20);
        for (length, expected) in [(MAX_TEXT, Some(())), (MAX_TEXT + 1, None)] {
            let text = "a".repeat(length);
            kept.keep(&text, (), 0);
            assert_eq!(kept.get(&text), expected, "{length}");
        }
    }

    #[test]
    fn texts_and_values_together_have_a_bound() {
        for bytes in [0, 1_000, 100_000] {
            let kept = Kept::new(1 << 20);
            for number in 0..10_000 {
                kept.keep(&number.to_string(), (), bytes);
            }
            kept.0.run_pending_tasks();
            let entries = usize::try_from(kept.0.entry_count()).unwrap();
            assert!(entries > 0 && entries * (bytes + AROUND) <= 1 << 20, "{entries}");
        }
    }
}
