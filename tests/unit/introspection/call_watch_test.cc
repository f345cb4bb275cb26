#include "server/src/introspection/call_watch.h"

#include <string>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

std::shared_ptr<const EndedCall> CallOf(size_t request_bytes, const std::string& method = "/a") {
  v1::CallEvent event;
  event.set_method(method);
  if (request_bytes > 0) event.add_requests(std::string(request_bytes, 'x'));
  return std::make_shared<const EndedCall>(std::move(event));
}

TEST(CallWatchTest, WhatWaitsIsBoundedInCalls) {
  CallWatch watch({}, /*max_waiting=*/2, /*max_waiting_bytes=*/1 << 20);
  for (int i = 0; i < 5; ++i) watch.Offer(CallOf(0));
  v1::WatchCallsResponse response;
  ASSERT_TRUE(watch.Take(response));
  EXPECT_EQ(response.calls_size(), 2);
  EXPECT_EQ(response.dropped(), 3u);
}

TEST(CallWatchTest, WhatWaitsIsBoundedInBytes) {
  CallWatch watch({}, /*max_waiting=*/1000, /*max_waiting_bytes=*/10'000);
  for (int i = 0; i < 8; ++i) watch.Offer(CallOf(3'000));
  v1::WatchCallsResponse response;
  ASSERT_TRUE(watch.Take(response));
  EXPECT_EQ(response.calls_size(), 3);  // each counts with somewhat more than its request
  EXPECT_EQ(response.dropped(), 5u);
  watch.Offer(CallOf(50'000));  // nothing waits, so there is room
  watch.Offer(CallOf(0));
  ASSERT_TRUE(watch.Take(response));
  EXPECT_EQ(response.calls_size(), 1);
  EXPECT_EQ(response.dropped(), 6u);
}

TEST(CallWatchTest, EmptyRequestsCountAsWell) {
  v1::CallEvent event;
  for (int i = 0; i < 1000; ++i) event.add_requests("");
  EXPECT_GE(EndedCall(event).bytes, 1000 * sizeof(std::string));
}

TEST(CallWatchTest, AResponseHasNoMoreThanClientsTake) {
  CallWatch watch({}, /*max_waiting=*/1000, /*max_waiting_bytes=*/100 << 20);
  for (const size_t bytes : {400'000, 400'000, 400'000, 3'000'000, 10, 10}) watch.Offer(CallOf(bytes));
  watch.Close();
  v1::WatchCallsResponse response;
  for (const int calls : {2, 1, 1, 2}) {
    ASSERT_TRUE(watch.Take(response));
    EXPECT_EQ(response.calls_size(), calls);
    EXPECT_TRUE(calls == 1 || response.ByteSizeLong() <= CallWatch::kMostResponseBytes);
  }
  EXPECT_FALSE(watch.Take(response));
}

}  // namespace
}  // namespace udsrpc
