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
  SendCredit of_first(wire::kMaxCredit);
  SendCredit of_second(wire::kMaxCredit);
  for (size_t packet = 0; packet < wire::kInitialConnectionCredit / wire::kMaxPacketBytes; ++packet) {
    EXPECT_EQ(queue.Spend(&first, of_first, 1 << 20, true), wire::kMaxPacketBytes);
  }
  EXPECT_EQ(queue.Spend(&second, of_second, 1, true), 0U);
  EXPECT_EQ(queue.Spend(&first, of_first, 1, true), 0U);
  EXPECT_EQ(queue.Spend(&second, of_second, 1, true), 0U);  // keeps its place
  ASSERT_TRUE(queue.Add(100).ok());
  EXPECT_EQ(queue.Next(), &second);
  EXPECT_EQ(queue.Spend(&first, of_first, 1, true), 0U);
  EXPECT_EQ(queue.Spend(&second, of_second, 50, true), 50U);
  EXPECT_EQ(queue.Next(), &first);
  queue.Leave(&first);
  EXPECT_EQ(queue.Next(), nullptr);
  EXPECT_EQ(queue.Spend(&second, of_second, 50, true), 50U);
  EXPECT_EQ(of_second.available(), wire::kMaxCredit - 100);
}

TEST(CreditQueueTest, KeepsNoPlaceForAStreamWithoutCreditOfItsOwn) {
  CreditQueue<int> queue;
  int stream = 0;
  SendCredit own(99);
  EXPECT_EQ(queue.Spend(&stream, own, 100, true), 0U);
  EXPECT_EQ(queue.Next(), nullptr);
  ASSERT_TRUE(own.Add(1).ok());
  EXPECT_EQ(queue.Spend(&stream, own, 100, true), 100U);
}

TEST(CreditQueueTest, SpendsNoLessThanAFragmentOfWhatIsLonger) {
  CreditQueue<int> queue;
  int stream = 0;
  SendCredit own(wire::kMinFragmentBytes - 1);
  EXPECT_EQ(queue.Spend(&stream, own, 1 << 20, true), 0U);
  ASSERT_TRUE(own.Add(2).ok());
  EXPECT_EQ(queue.Spend(&stream, own, 1 << 20, true), wire::kMinFragmentBytes + 1);
}

TEST(CreditQueueTest, WaitsForRoomInItsTurn) {
  CreditQueue<int> queue;
  int first = 0;
  int second = 0;
  SendCredit own(1000);
  EXPECT_EQ(queue.Spend(&first, own, 100, /*has_room=*/false), 0U);
  EXPECT_EQ(queue.Next(), &first);
  EXPECT_EQ(queue.Spend(&second, own, 100, /*has_room=*/true), 0U);
  EXPECT_EQ(queue.Spend(&first, own, 100, /*has_room=*/true), 100U);
  EXPECT_EQ(queue.Next(), &second);
}

}  // namespace
}  // namespace udsrpc
