#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/error.h"
#include "common/http/authorize.h"

namespace exporter::http {
namespace {

using std::chrono::seconds;

constexpr std::string_view kHeader = "Authorization", kScheme = "Bearer ";
constexpr seconds kLeastLife{1}, kLongestPause{60};

/// The shared token, and when a thread may fetch the next one.
class TokenCache {
 public:
  TokenCache(FetchToken fetch, RefusesToken refuses)
      : fetch_(std::move(fetch)), refuses_(std::move(refuses)) {}

  void add(ClientRequest& request, const Deadline& deadline) {
    request.headers.emplace_back(kHeader,
                                 std::string(kScheme) + std::string(get(deadline)->reveal()));
  }

  bool renew(const ClientRequest& request, const ClientResponse& response);

 private:
  using Token = std::shared_ptr<const Secret>;

  Token get(const Deadline& deadline);
  Token fetch(std::unique_lock<std::mutex>& lock, const Deadline& deadline);
  Token fetch_early(std::unique_lock<std::mutex>& lock, const Deadline& deadline);
  void wait_for_other(std::unique_lock<std::mutex>& lock, const Deadline& deadline);
  void keep(FetchedToken fetched);
  void set_back(Clock::time_point not_before);
  bool is_current(const ClientRequest& request) const;

  const FetchToken fetch_;
  const RefusesToken refuses_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool fetching_ = false;
  Token token_;
  Clock::time_point renew_at_, expires_at_;
  std::optional<Error> failure_;  ///< of the last fetch
  int setbacks_ = 0;              ///< failures and rejected tokens since the last accepted one
  Clock::time_point pause_until_{};
};

TokenCache::Token TokenCache::get(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto now = Clock::now();
    if (token_ && now < expires_at_) {
      const bool may_wait = now < renew_at_ || fetching_ || now < pause_until_;
      return may_wait ? token_ : fetch_early(lock, deadline);
    }
    if (fetching_) {
      wait_for_other(lock, deadline);
      continue;
    }
    if (failure_ && now < pause_until_) throw Error(*failure_);
    return fetch(lock, deadline);
  }
}

void TokenCache::wait_for_other(std::unique_lock<std::mutex>& lock, const Deadline& deadline) {
  const bool done =
      changed_.wait_until(lock, deadline.stop(), deadline.when(), [&] { return !fetching_; });
  if (done) return;
  deadline.check();
  throw Error(Reason::timeout, "no token was received before the deadline");
}

/// Returns the old token if the new one cannot be fetched within half of the remaining time.
TokenCache::Token TokenCache::fetch_early(std::unique_lock<std::mutex>& lock,
                                          const Deadline& deadline) {
  auto old = token_;
  const auto now = Clock::now();
  try {
    return fetch(lock, deadline.no_later_than(now + (deadline.when() - now) / 2));
  } catch (const Error& error) {
    if (error.reason() == Reason::cancelled) throw;
    if (error.reason() == Reason::timeout) set_back({});
    return old;
  }
}

TokenCache::Token TokenCache::fetch(std::unique_lock<std::mutex>& lock, const Deadline& deadline) {
  struct Fetching {
    TokenCache& cache;
    std::unique_lock<std::mutex>& lock;
    Fetching(TokenCache& of, std::unique_lock<std::mutex>& held) : cache(of), lock(held) {
      cache.fetching_ = true;
      lock.unlock();
    }
    ~Fetching() {
      if (!lock.owns_lock()) lock.lock();
      cache.fetching_ = false;
      cache.changed_.notify_all();
    }
  } const fetching(*this, lock);
  try {
    auto fetched = fetch_(deadline);
    lock.lock();
    keep(std::move(fetched));
    return token_;
  } catch (const Error& error) {
    lock.lock();
    if (error.reason() == Reason::cancelled || error.reason() == Reason::timeout) throw;
    failure_ = error;
    set_back(error.not_before().value_or(Clock::time_point()));
    throw;
  }
}

void TokenCache::keep(FetchedToken fetched) {
  const auto now = Clock::now();
  expires_at_ = std::max(fetched.expires_at, now + kLeastLife);
  renew_at_ = now + (expires_at_ - now) / 4 * 3;
  token_ = std::make_shared<const Secret>(std::move(fetched.token));
  failure_.reset();
}

void TokenCache::set_back(Clock::time_point not_before) {
  const auto pause = std::min(kLongestPause, seconds(1) * (1 << std::min(setbacks_, 6)));
  ++setbacks_;
  pause_until_ = std::max(Clock::now() + pause, not_before);
}

bool TokenCache::is_current(const ClientRequest& request) const {
  return token_ && std::ranges::any_of(request.headers, [&](const auto& header) {
           std::string_view value = header.second;
           if (header.first != kHeader || !value.starts_with(kScheme)) return false;
           return value.substr(kScheme.size()) == token_->reveal();
         });
}

bool TokenCache::renew(const ClientRequest& request, const ClientResponse& response) {
  const bool refused = refuses_(response);
  const std::lock_guard lock(mutex_);
  if (!is_current(request)) return refused;  // another request has already reported it
  if (!refused) {
    if (response.status < 400) setbacks_ = 0;
    return false;
  }
  if (setbacks_ > 0 && Clock::now() < pause_until_) return false;
  set_back({});
  token_.reset();
  return true;
}

}  // namespace

Authorize with_fetched_token(FetchToken fetch, RefusesToken refuses) {
  const auto cache = std::make_shared<TokenCache>(std::move(fetch), std::move(refuses));
  return {
      [cache](ClientRequest& request, const Deadline& deadline) { cache->add(request, deadline); },
      [cache](const ClientRequest& request, const ClientResponse& response) {
        return cache->renew(request, response);
      }};
}

}  // namespace exporter::http
