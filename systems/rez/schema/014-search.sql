-- What is suggested while somebody types: names of categories and stores, brands, and words of products.
SELECT 1;
