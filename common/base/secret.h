#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace exporter {

/// A value that can be used but not printed: no copy, no operator<<, no conversion. Its memory is
/// wiped when it is destroyed or moved from.
class Secret {
 public:
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The value itself: pass it to the library that needs it, never to a log, a label or an error.
  std::string_view reveal() const noexcept { return value_; }

 private:
  void wipe() noexcept;

  std::string value_;
};

/// Where a secret comes from. It is read again at each load(), so that a rotated file is seen.
class SecretSource {
 public:
  static SecretSource literal(Secret secret);
  static SecretSource file(std::string path);
  static SecretSource env(std::string name);

  /// The secret as it is now, without a file's trailing newline. Throws Error{config} naming the
  /// file or the variable (never the value) when it is missing, empty or above 64 KiB.
  Secret load() const;

 private:
  enum class Kind { literal, file, env };
  SecretSource(Kind kind, std::string where, std::optional<Secret> value)
      : kind_(kind), where_(std::move(where)), value_(std::move(value)) {}

  Kind kind_;
  std::string where_;
  std::optional<Secret> value_;
};

}  // namespace exporter
