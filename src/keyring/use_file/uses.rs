//! When keys were last used, as a value and as text.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::inbound::{KeyId, KeyRecord, KeySet};

const VERSION: u32 = 1;

/// The comment for those who open the file.
const HEADER: &str = "\
# When the keys of the file beside this one were last used, to the day (UTC). Services write it; without it, nothing is
# known of their use, and nothing else is lost.

";

/// How long the use of a key is kept that is not in the set: other services may have a newer set.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The days on which keys were last used, in UTC. Returned by
/// [`UseFile::read`](crate::keyring::UseFile::read).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uses {
    since: Date,
    last: BTreeMap<KeyId, Date>,
}

/// The format of the file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    version: u32,
    since: String,
    #[serde(default)]
    last_used: BTreeMap<String, String>,
}

impl Uses {
    /// Creates an empty record. Returns `None` if `now` is not in the calendar.
    pub(crate) fn none_before(now: SystemTime) -> Option<Self> {
        Some(Self {
            since: day(now)?,
            last: BTreeMap::new(),
        })
    }

    /// Returns the day since which uses are recorded. Earlier uses are unknown.
    #[must_use]
    pub fn noted_since(&self) -> SystemTime {
        moment(self.since)
    }

    /// Returns the day on which a key was last used, if a use was recorded.
    #[must_use]
    pub fn last_used(&self, key: &KeyId) -> Option<SystemTime> {
        self.last.get(key).copied().map(moment)
    }

    /// Adds the uses of these keys. A recorded use is never replaced with an older one.
    pub(crate) fn with(mut self, keys: &KeySet, now: SystemTime) -> Self {
        for record in keys.records() {
            let Some(used) = record.last_used().and_then(day) else {
                continue;
            };
            let last = self.last.entry(record.id().clone()).or_insert(used);
            *last = used.max(*last);
        }
        let known: HashSet<&KeyId> = keys.records().map(KeyRecord::id).collect();
        let kept_from = now.checked_sub(KEPT).and_then(day);
        self.last
            .retain(|id, last| known.contains(id) || Some(*last) >= kept_from);
        self
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let shape: Shape = toml::from_str(text).ok()?;
        if shape.version != VERSION {
            return None;
        }
        let last = shape.last_used.into_iter();
        let last = last.map(|(id, day)| Some((id.parse().ok()?, day.parse().ok()?)));
        Some(Self {
            since: shape.since.parse().ok()?,
            last: last.collect::<Option<_>>()?,
        })
    }

    pub(crate) fn to_text(&self) -> Result<String, toml::ser::Error> {
        let last = self.last.iter();
        let shape = Shape {
            version: VERSION,
            since: self.since.to_string(),
            last_used: last
                .map(|(id, day)| (id.to_string(), day.to_string()))
                .collect(),
        };
        Ok(format!("{HEADER}{}", toml::to_string(&shape)?))
    }
}

/// Returns the day of a moment, if it is in the calendar.
fn day(moment: SystemTime) -> Option<Date> {
    let moment = Timestamp::try_from(moment).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).date())
}

/// Returns the start of a day, or the last representable moment.
fn moment(day: Date) -> SystemTime {
    let begins = day.to_zoned(TimeZone::UTC);
    begins
        .map_or(Timestamp::MAX, |begins| begins.timestamp())
        .into()
}
