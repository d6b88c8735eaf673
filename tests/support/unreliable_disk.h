#pragma once

#include <cstdint>
#include <memory>

/// During its lifetime the files of SQLite are on a disk that fails at an operation: a write, a
/// sync or a truncation, counted from 1.
class UnreliableDisk {
 public:
  UnreliableDisk();
  ~UnreliableDisk();
  UnreliableDisk(const UnreliableDisk&) = delete;
  UnreliableDisk& operator=(const UnreliableDisk&) = delete;

  /// So far.
  std::int64_t operations() const;
  /// From that operation on, `count` of them fail as on a full disk.
  void fail(std::int64_t operation, std::int64_t count);
  /// At that operation the process ends: nothing after it takes effect. With a power cut, data that
  /// was not synced is lost, torn at a sector or kept, at random.
  void kill(std::int64_t operation);
  void cut_power(std::int64_t operation, std::uint64_t seed);

  /// Whether the process has ended.
  bool has_ended() const;
  /// Starts the next process: lost data is gone, and the disk is reliable. Files must be closed.
  void restart();

 private:
  struct Shim;
  std::unique_ptr<Shim> shim_;
};
