#pragma once

/// While one lives, looking up the name "slow.test" in this process takes until its destruction,
/// and then fails. Other names are looked up as ever.
class SlowNames {
 public:
  SlowNames();
  /// Returns when no lookup of the name is under way any more.
  ~SlowNames();
  SlowNames(const SlowNames&) = delete;
  SlowNames& operator=(const SlowNames&) = delete;
};
