#include "common/http/handle.h"

#include <algorithm>
#include <chrono>

#include "common/base/error.h"

namespace exporter::http {

Running::Running(const Handle& handle) : handle_(handle) {
  const auto code = curl_multi_add_handle(handle_.multi.get(), handle_.easy.get());
  if (code != CURLM_OK) throw Error(Reason::internal, curl_multi_strerror(code));
}

Running::~Running() { curl_multi_remove_handle(handle_.multi.get(), handle_.easy.get()); }

std::optional<CURLcode> Running::finish(const std::function<Clock::time_point()>& until,
                                        const std::stop_token& stop) {
  using std::chrono::milliseconds;
  constexpr milliseconds kLongestPoll{60'000};
  CURLM* const multi = handle_.multi.get();
  const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
  while (true) {
    int count = 0;
    if (const auto code = curl_multi_perform(multi, &count); code != CURLM_OK) {
      throw Error(Reason::internal, curl_multi_strerror(code));
    }
    if (const CURLMsg* message = curl_multi_info_read(multi, &count)) return message->data.result;
    const auto left = std::chrono::ceil<milliseconds>(until() - Clock::now());
    if (stop.stop_requested() || left <= milliseconds::zero()) return {};
    const auto wait = static_cast<int>(std::min(left, kLongestPoll).count());
    curl_multi_poll(multi, nullptr, 0, wait, nullptr);
  }
}

}  // namespace exporter::http
