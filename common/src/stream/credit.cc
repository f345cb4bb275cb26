#include "common/src/stream/credit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"

namespace udsrpc {

absl::Status SendCredit::Add(uint32_t bytes) {
  if (bytes > wire::kMaxCredit - std::min<size_t>(available_, wire::kMaxCredit)) {
    return absl::InvalidArgumentError(absl::StrCat("CREDIT: ", bytes, " bytes beside the ", available_,
                                                   " that are left are more than ", wire::kMaxCredit));
  }
  available_ += bytes;
  return absl::OkStatus();
}

absl::Status ReceiveCredit::Use(size_t bytes) {
  if (bytes > available_) {
    return absl::InvalidArgumentError(
        absl::StrCat("MESSAGE: its ", bytes, " bytes are more than the credit that is left, ", available_));
  }
  available_ -= bytes;
  return absl::OkStatus();
}

void ReceiveCredit::Widen(uint32_t window) {
  if (window <= window_) return;
  released_ += window - window_;
  window_ = window;
}

uint32_t ReceiveCredit::Grant() {
  if (released_ < window_ / 2) return 0;
  available_ += released_;
  return static_cast<uint32_t>(std::exchange(released_, 0));
}

}  // namespace udsrpc
