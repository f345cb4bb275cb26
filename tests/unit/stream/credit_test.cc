#include "common/src/stream/credit.h"

#include "common/src/stream/credit_queue.h"
#include "common/src/wire/limits.h"
#include "gtest/gtest.h"

namespace udsrpc {
namespace {

TEST(ReceiveCreditTest, IsGivenBackOnceHalfOfItWasReleased) {
  ReceiveCredit credit(100);
  ASSERT_TRUE(credit.Use(100).ok());
  EXPECT_EQ(credit.Grant(), 0U);
  credit.Release(49);
  EXPECT_EQ(credit.Grant(), 0U);
  credit.Release(1);
  EXPECT_EQ(credit.Grant(), 50U);
  EXPECT_EQ(credit.Grant(), 0U);
}

TEST(ReceiveCreditTest, IsRefusedToAPeerThatHasNone) {
  ReceiveCredit credit(100);
  ASSERT_TRUE(credit.Use(60).ok());
  EXPECT_EQ(credit.Use(41).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(credit.Use(40).ok());
  credit.Release(100);  // the peer has not been told
  EXPECT_EQ(credit.Use(1).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(credit.Grant(), 100U);
  EXPECT_TRUE(credit.Use(1).ok());
}

TEST(ReceiveCreditTest, WidensOnceAndNeverNarrows) {
  ReceiveCredit credit(100);
  credit.Widen(400);
  EXPECT_EQ(credit.Grant(), 300U);
  credit.Widen(200);
  EXPECT_EQ(credit.Grant(), 0U);
  EXPECT_TRUE(credit.Use(400).ok());
}

TEST(SendCreditTest, RefusesMoreThanTheProtocolAllows) {
  SendCredit credit(1);
  EXPECT_EQ(credit.Add(wire::kMaxCredit).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(credit.Add(wire::kMaxCredit - 1).ok());
  EXPECT_EQ(credit.available(), wire::kMaxCredit);
  EXPECT_EQ(credit.Add(UINT32_MAX).code(), absl::StatusCode::kInvalidArgument);
  credit.Use(1);
  EXPECT_TRUE(credit.Add(1).ok());
}

TEST(CreditQueueTest, ServesInTheOrderOfWaiting) {
  CreditQueue<int> queue;
  int first = 0;
  int second = 0;
  ASSERT_TRUE(queue.MayUse(&first, wire::kInitialConnectionCredit));
  queue.Use(&first, wire::kInitialConnectionCredit);
  EXPECT_FALSE(queue.MayUse(&second, 1));
  queue.Wait(&second);
  queue.Wait(&first);
  queue.Wait(&second);  // has its place
  ASSERT_TRUE(queue.Add(100).ok());
  EXPECT_EQ(queue.Next(), &second);
  EXPECT_FALSE(queue.MayUse(&first, 1));
  ASSERT_TRUE(queue.MayUse(&second, 100));
  queue.Use(&second, 50);
  EXPECT_TRUE(queue.MayUse(&first, 50));
  queue.Leave(&first);
  EXPECT_EQ(queue.Next(), nullptr);
  EXPECT_TRUE(queue.MayUse(&second, 50));
}

}  // namespace
}  // namespace udsrpc
