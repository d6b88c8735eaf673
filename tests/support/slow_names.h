#pragma once

/// During its lifetime a lookup of the name "slow.test" in this process hangs until its
/// destruction, and then fails. Other names are looked up as usual.
class SlowNames {
 public:
  SlowNames();
  /// Returns when no lookup of the name is in progress.
  ~SlowNames();
  SlowNames(const SlowNames&) = delete;
  SlowNames& operator=(const SlowNames&) = delete;
};
