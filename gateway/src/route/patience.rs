//! How long a client waits: the official SDKs say so in a header of each request.

use std::time::Duration;

use hyper::header::HeaderMap;
use tokio::time::Instant;

/// The headers in which clients say after how many seconds without a byte they give up.
const HEADERS: [&str; 2] = ["x-stainless-read-timeout", "x-stainless-timeout"];

/// When the client of a request that came at that moment gives up, if it says so.
pub(crate) fn deadline(headers: &HeaderMap, came: Instant) -> Option<Instant> {
    came.checked_add(patience(headers)?)
}

fn patience(headers: &HeaderMap) -> Option<Duration> {
    let seconds = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let told = HEADERS.into_iter().filter_map(seconds).filter(|seconds| *seconds > 0.0);
    told.filter_map(|seconds| Duration::try_from_secs_f64(seconds).ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_is_read_and_what_makes_no_sense_is_not() {
        let read = |headers: &[(&'static str, &str)]| {
            let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            patience(&pairs.collect()).map(|patience| patience.as_millis())
        };
        assert_eq!(read(&[("x-stainless-timeout", "600")]), Some(600_000));
        assert_eq!(read(&[("x-stainless-read-timeout", "2.5")]), Some(2_500));
        assert_eq!(read(&[("x-stainless-timeout", "9"), ("x-stainless-read-timeout", "4")]), Some(4_000));
        for odd in ["", "NOT_GIVEN", "None", "0", "-3", "NaN", "inf", "1e40"] {
            assert_eq!(read(&[("x-stainless-timeout", odd)]), None, "{odd}");
        }
        let endless: HeaderMap =
            [("x-stainless-timeout".parse().unwrap(), "1e18".parse().unwrap())].into_iter().collect();
        _ = deadline(&endless, Instant::now());
    }
}
