//! How sizes and times are written on the command line.

use std::time::Duration;

/// Units of sizes.
const SIZES: &[(&str, u64)] = &[("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("", 1)];

/// A number of bytes: `65536`, `64K`, `512M`, `1.5G`, also with `iB` or `B` behind.
pub fn size(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let short = lower.strip_suffix("ib").or(lower.strip_suffix('b')).unwrap_or(&lower);
    let bytes = SIZES.iter().find_map(|(unit, factor)| {
        let number: f64 = short.strip_suffix(unit)?.parse().ok()?;
        let bytes = number * *factor as f64;
        (number.is_finite() && number >= 0.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
    });
    bytes.ok_or_else(|| format!("`{text}` is not a size; write bytes, or a number with K, M or G (512M)"))
}

/// Units of times. `ms` stands before `m` and `s`, which it ends with or begins with.
const TIMES: &[(&str, f64)] = &[("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)];

/// A length of time: `30`, `30s`, `1.5s`, `500ms`, `2m`; `0` and `none` mean without end.
pub fn duration(text: &str) -> Result<Time, String> {
    let lower = text.trim().to_ascii_lowercase();
    if lower == "none" {
        return Ok(Time(None));
    }
    let seconds = TIMES.iter().find_map(|(unit, factor)| {
        let number: f64 = lower.strip_suffix(unit)?.parse().ok()?;
        Duration::try_from_secs_f64(number * factor).ok()
    });
    let seconds = seconds.ok_or_else(|| format!("`{text}` is not a time; write seconds, 500ms, 2m or none"))?;
    Ok(Time((!seconds.is_zero()).then_some(seconds)))
}

/// A length of time, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Option<Duration>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("65536", 65536), ("64k", 65536), ("1.5G", 3 << 29), ("8MiB", 8 << 20), ("0", 0), ("7B", 7)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "-1", "1T", "K", "1e30G", "nan", "inf"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times() {
        let seconds = |seconds: f64| Ok(Time(Some(Duration::from_secs_f64(seconds))));
        for (text, expected) in [("30", 30.0), ("1.5s", 1.5), ("500ms", 0.5), ("2m", 120.0), ("1h", 3600.0)] {
            assert_eq!(duration(text), seconds(expected), "{text}");
        }
        assert_eq!(duration("0"), Ok(Time(None)));
        assert_eq!(duration("none"), Ok(Time(None)));
        for text in ["", "s", "-1", "5 parsecs", "1e400", "nan"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
