#include "common/base/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/base/descriptor.h"
#include "common/base/error.h"

namespace exporter {

namespace {

constexpr std::size_t kMaxSecretBytes = 64 << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Read directly into the string, because a stream's buffer would not be wiped.
Secret read_all(int file, const std::string& what) {
  std::string text(kMaxSecretBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto count = ::read(file, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(Reason::config, io_error(what, errno).what());
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return Secret(std::move(text));
}

Secret read_file(const std::string& path) {
  const auto what = "secret file " + path;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (*file < 0 || ::fstat(*file, &status) != 0) {
    throw Error(Reason::config, io_error(what, errno).what());
  }
  if (!S_ISREG(status.st_mode)) throw Error(Reason::config, what + ": not a regular file");
  const Secret whole = read_all(*file, what);
  auto value = whole.reveal();
  if (value.size() > kMaxSecretBytes) throw Error(Reason::config, what + ": larger than 64 KiB");
  if (value.starts_with(kByteOrderMark)) value.remove_prefix(kByteOrderMark.size());
  if (value.ends_with('\n')) value.remove_suffix(1);
  if (value.ends_with('\r')) value.remove_suffix(1);
  if (value.empty()) throw Error(Reason::config, what + ": empty");
  return Secret(std::string(value));
}

}  // namespace

// Moving or swapping a short string leaves its bytes behind.
Secret::Secret(std::string value) {
  value_.swap(value);
  value.resize(value.capacity());
  ::explicit_bzero(value.data(), value.size());
}

// Copied and wiped for the same reason.
// NOLINTNEXTLINE(cert-oop11-cpp,performance-move-constructor-init)
Secret::Secret(Secret&& other) noexcept : value_(other.value_) { other.wipe(); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = other.value_;
    other.wipe();
  }
  return *this;
}

Secret::~Secret() { wipe(); }

void Secret::wipe() noexcept {
  value_.resize(value_.capacity());
  ::explicit_bzero(value_.data(), value_.size());
  value_.clear();
}

SecretSource SecretSource::literal(Secret secret) {
  return {Kind::literal, {}, std::make_shared<const Secret>(std::move(secret))};
}
SecretSource SecretSource::file(std::string path) { return {Kind::file, std::move(path), nullptr}; }
SecretSource SecretSource::env(std::string name) { return {Kind::env, std::move(name), nullptr}; }

Secret SecretSource::load() const {
  switch (kind_) {
    case Kind::file: return read_file(where_);
    case Kind::env:
      if (const char* value = std::getenv(where_.c_str()); value != nullptr && *value != '\0') {
        return Secret(value);
      }
      throw Error(Reason::config, name() + ": not set or empty");
    case Kind::literal: break;
  }
  return Secret(std::string(value_->reveal()));
}

std::string SecretSource::name() const {
  switch (kind_) {
    case Kind::file: return "file " + where_;
    case Kind::env: return "environment variable " + where_;
    case Kind::literal: break;
  }
  return "value in the configuration";
}

}  // namespace exporter
