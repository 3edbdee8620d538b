//! A split of users between targets, in which who came once comes to the same target again.

use std::sync::Arc;

use engine::input::Request;
use grammar::config::{AbTest, StickyBy};
use sha2::{Digest, Sha256};

use super::Target;

/// `ab_test:`, ready to use.
#[derive(Debug)]
pub(super) struct Split {
    sticky_by: StickyBy,
    /// Ids of targets and their shares, which are above zero.
    variants: Vec<(String, f64)>,
}

impl Split {
    /// The split that was configured, unless it is switched off.
    pub(super) fn of(written: &AbTest) -> Option<Self> {
        let variants = written.variants.iter().filter(|variant| variant.weight > 0.0);
        let variants = variants.map(|variant| (variant.provider_id.value.clone(), variant.weight)).collect();
        written.enabled.then(|| Self { sticky_by: written.sticky_by.clone(), variants })
    }

    /// What keeps this request with its variant, if it has it.
    pub(super) fn key(&self, request: &Request<'_>) -> Option<String> {
        let header = |name: &str| {
            request.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let key = match &self.sticky_by {
            StickyBy::UserId => request.user_id.map(str::to_owned),
            StickyBy::ConversationId => header("x-conversation-id"),
            StickyBy::Header(name) => header(name),
        };
        key.filter(|key| !key.is_empty())
    }

    /// Position of the variant's target among those that can be asked; nothing when no variant can. Without a key it
    /// is any, by the shares.
    pub(super) fn pick(&self, key: Option<&str>, able: &[&Arc<Target>]) -> Option<usize> {
        let random = fastrand::u128(..).to_be_bytes();
        let key = key.map_or(random.as_slice(), str::as_bytes);
        let variants = self.variants.iter().filter_map(|(id, weight)| {
            let at = able.iter().position(|target| target.id == *id)?;
            Some((at, rank(key, id, *weight)))
        });
        variants.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(at, _)| at)
    }
}

/// How high a variant ranks for a key: the highest gets it, each as often as its weight says (rendezvous hashing). A
/// variant that comes or goes moves no key between the others.
fn rank(key: &[u8], variant: &str, weight: f64) -> f64 {
    let digest = Sha256::new().chain_update(variant).chain_update([0]).chain_update(key).finalize();
    let bits = digest.iter().take(7).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) >> 3;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    let between_0_and_1 = (bits as f64 + 0.5) / (1_u64 << 53) as f64;
    -weight / between_0_and_1.ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;
    use grammar::config::Variant;

    fn split(variants: &[(&str, f64)]) -> Split {
        let variant = |(id, weight): &(&str, f64)| Variant {
            provider_id: kit::spanned((*id).to_owned()),
            weight: *weight,
        };
        let variants = variants.iter().map(variant).collect();
        Split::of(&AbTest { enabled: true, sticky_by: StickyBy::UserId, variants }).unwrap()
    }

    fn targets(ids: &[&str]) -> Vec<Arc<Target>> {
        let ready = |id: &&str| Target::prepare(&kit::target(id, "http://127.0.0.1:9/v1"), None).unwrap();
        ids.iter().map(ready).map(Arc::new).collect()
    }

    fn picks(split: &Split, able: &[Arc<Target>]) -> Vec<String> {
        let able: Vec<_> = able.iter().collect();
        (0..10_000).map(|n| able[split.pick(Some(&n.to_string()), &able).unwrap()].id.clone()).collect()
    }

    #[test]
    fn a_user_stays_and_users_are_split_by_weight() {
        let (split, able) = (split(&[("a", 9.0), ("b", 1.0), ("c", 0.0)]), targets(&["a", "b", "c"]));
        let once = picks(&split, &able);
        assert_eq!(once, picks(&split, &able));
        let of = |id: &str| once.iter().filter(|pick| *pick == id).count();
        assert!((8_850..9_150).contains(&of("a")), "{}", of("a"));
        assert_eq!((of("a") + of("b"), of("c")), (10_000, 0));
    }

    #[test]
    fn when_a_variant_goes_only_its_own_users_move() {
        let split = split(&[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
        let all = picks(&split, &targets(&["a", "b", "c"]));
        let fewer = picks(&split, &targets(&["c", "a"]));
        let stayed = all.iter().zip(&fewer).filter(|(before, after)| before == after).count();
        assert_eq!(stayed, all.iter().filter(|pick| *pick != "b").count());
        assert_eq!(split.pick(Some("x"), &targets(&["z"]).iter().collect::<Vec<_>>()), None);
    }

    #[test]
    fn who_has_no_key_is_split_at_random() {
        let (split, able) = (split(&[("a", 1.0), ("b", 3.0)]), targets(&["a", "b"]));
        let able: Vec<_> = able.iter().collect();
        let of_a = (0..10_000).filter(|_| split.pick(None, &able) == Some(0)).count();
        assert!((2_000..3_000).contains(&of_a), "{of_a}");
    }

    #[test]
    fn the_key_is_the_user_or_a_header() {
        let headers = vec![("x-conversation-id", "c1"), ("x-tenant", "t1"), ("x-empty", "")];
        let request = Request { user_id: Some("ann"), headers, ..Request::default() };
        let key = |sticky_by| Split { sticky_by, variants: Vec::new() }.key(&request);
        assert_eq!(key(StickyBy::UserId).as_deref(), Some("ann"));
        assert_eq!(key(StickyBy::ConversationId).as_deref(), Some("c1"));
        assert_eq!(key(StickyBy::Header("x-tenant".into())).as_deref(), Some("t1"));
        assert_eq!(key(StickyBy::Header("x-empty".into())), None);
    }
}
