//! `traceparent` and `tracestate`, as W3C's Trace Context has them (level 1, sections 3.2 and 3.3). What is not as it should
//! be is as good as not there.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The header that names the span which made a request.
const PARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header with what others know of the trace.
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// Longest `tracestate` that is passed on; the standard asks for at least as much.
const LONGEST_STATE: usize = 512;

/// The span that made a request, if its client says so.
pub(super) fn of(headers: &HeaderMap) -> Option<SpanContext> {
    let mut parents = headers.get_all(&PARENT).iter();
    let (parent, None) = (parents.next()?, parents.next()) else { return None };
    let (trace, span, flags) = read(parent.to_str().ok()?)?;
    let states = headers.get_all(&STATE).iter().map(HeaderValue::to_str).collect::<Result<Vec<_>, _>>();
    let state = states.ok().map(|states| states.join(",")).filter(|state| is_state(state));
    let state = state.and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    Some(SpanContext::new(trace, span, flags, true, state))
}

/// Names that span in the headers of a request.
pub(super) fn put(context: Option<&SpanContext>, headers: &mut HeaderMap) {
    let Some(context) = context else { return };
    let (trace, span, flags) = (context.trace_id(), context.span_id(), context.trace_flags().to_u8());
    if let Ok(parent) = HeaderValue::try_from(format!("00-{trace}-{span}-{flags:02x}")) {
        headers.insert(PARENT, parent);
    }
    let state = context.trace_state().header();
    if let Some(state) = HeaderValue::try_from(state).ok().filter(|state| !state.is_empty()) {
        headers.insert(STATE, state);
    }
}

/// `version-trace-span-flags`, in lower-case hexadecimal digits. A version to come may have more behind them.
fn read(parent: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let mut parts = parent.splitn(5, '-');
    let [version, trace, span, flags] = [2, 32, 16, 2].map(|length| part(parts.next()?, length));
    let (version, flags) = (version?, flags?);
    if version == 0xff || (version == 0 && parts.next().is_some()) {
        return None;
    }
    let trace = Some(TraceId::from_bytes(trace?.to_be_bytes())).filter(|id| *id != TraceId::INVALID)?;
    let span = SpanId::from_bytes(u64::try_from(span?).ok()?.to_be_bytes());
    let flags = TraceFlags::new(u8::try_from(flags).ok()?) & TraceFlags::SAMPLED;
    (span != SpanId::INVALID).then_some((trace, span, flags))
}

/// Members `key=value`, as many and as long as the standard has them.
fn is_state(state: &str) -> bool {
    let is_key = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    let is_member = |member: &str| {
        let Some((key, value)) = member.trim_matches([' ', '\t']).split_once('=') else { return false };
        let key = (1..=256).contains(&key.len()) && key.bytes().all(is_key);
        let is_value = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=' && byte != b',';
        key && (1..=256).contains(&value.len()) && value.bytes().all(is_value)
    };
    state.len() <= LONGEST_STATE && state.split(',').all(is_member) && state.split(',').count() <= 32
}

/// So many digits as a number.
fn part(digits: &str, length: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_sound = digits.len() == length && digits.bytes().all(is_digit);
    is_sound.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(parents: &[&str], states: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, values) in [(PARENT, parents), (STATE, states)] {
            for value in values {
                headers.append(&name, value.parse().unwrap());
            }
        }
        headers
    }

    #[test]
    fn a_sound_parent_is_passed_on_as_it_came() {
        for (parent, kept) in [
            (SOUND, SOUND),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            ),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", SOUND),
            ("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", SOUND),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes", SOUND),
        ] {
            let context = of(&headers(&[parent], &["a=1", "b=2"])).unwrap();
            let mut passed = HeaderMap::new();
            put(Some(&context), &mut passed);
            assert_eq!(
                (&passed[PARENT], &passed[STATE]),
                (&kept.parse().unwrap(), &"a=1,b=2".parse().unwrap())
            );
        }
    }

    #[test]
    fn what_is_malformed_is_not_there() {
        for parent in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        ] {
            assert!(of(&headers(&[parent], &["a=1"])).is_none(), "{parent}");
        }
        assert!(of(&headers(&[SOUND, SOUND], &["a=1"])).is_none());
        let mut none = HeaderMap::new();
        put(None, &mut none);
        assert!(none.is_empty());
        let long = format!("a={}", "x".repeat(600));
        for state in ["=", "a b", long.as_str()] {
            assert_eq!(of(&headers(&[SOUND], &[state])).unwrap().trace_state().header(), "", "{state}");
        }
    }
}
