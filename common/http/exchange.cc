#include "common/http/exchange.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "common/http/client_request.h"

namespace exporter::http {

namespace {

using std::chrono::milliseconds;

double random_fraction() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>{0, 1}(generator);
}

bool is_worth_repeating(const ClientRequest& request, const Outcome& outcome) {
  if (!outcome.failure) return is_transient(outcome.response.status) && may_repeat(request);
  switch (outcome.failure->again) {
    case Failure::Again::never: return false;
    case Failure::Again::if_repeatable: return may_repeat(request);
    case Failure::Again::always: return true;
  }
  return false;
}

milliseconds pause_after(const Outcome& outcome, const RetryPolicy& policy, int tries_made) {
  const auto jittered = pause_before(policy, tries_made, random_fraction());
  const auto header = outcome.response.headers.find("retry-after");
  if (header == outcome.response.headers.end()) return jittered;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return std::max(jittered, parse_retry_after(header->second, now).value_or(jittered));
}

/// Whether the pause leaves time for another try; if so, it has passed when this returns. A stop
/// ends it, and is the next check's to find.
bool waited(milliseconds pause, const Deadline& deadline) {
  const auto until = Clock::now() + pause;
  if (until >= deadline.when()) return false;
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_until(lock, deadline.stop(), until, [] { return false; });
  return deadline.stop().stop_requested() || Clock::now() < deadline.when();
}

ClientRequest follow(ClientRequest request, Outcome outcome, const std::string& origin,
                     const std::string& what) {
  if (outcome.redirect->origin != origin) {
    throw Error(Reason::http_status, what + ": redirected to " + outcome.redirect->origin +
                                         ", which is not followed: another scheme, host or port");
  }
  return redirected(std::move(request), outcome.response.status,
                    std::move(outcome.redirect->target));
}

void check(const Deadline& deadline, const std::string& what) {
  try {
    deadline.check();
  } catch (const Error& error) {
    throw Error(error.reason(), what + ": " + error.what());
  }
}

}  // namespace

ClientResponse exchange(ClientRequest request, const std::string& origin,
                        const ClientOptions& options, const Deadline& deadline,
                        const TryOnce& try_once) {
  std::size_t redirects = 0;
  for (int tries = 1;;) {
    const std::string what = describe(request.method, origin, request.target);
    check(deadline, what);
    Outcome outcome = try_once(request);
    if (outcome.redirect) {
      if (++redirects > options.max_redirects) {
        throw Error(Reason::http_status,
                    what + ": more than " + std::to_string(options.max_redirects) + " redirects");
      }
      request = follow(std::move(request), std::move(outcome), origin, what);
    } else if (tries < options.retry.attempts && is_worth_repeating(request, outcome) &&
               waited(pause_after(outcome, options.retry, tries), deadline)) {
      ++tries;
    } else if (outcome.failure) {
      throw Error(outcome.failure->reason, what + ": " + outcome.failure->why);
    } else {
      return std::move(outcome.response);
    }
  }
}

}  // namespace exporter::http
